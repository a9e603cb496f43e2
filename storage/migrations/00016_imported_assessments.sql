-- Whether an assessment's recordedAt is that of a file, so that a track record can say how many of what it counts are.

-- +goose Up

ALTER TABLE assessments ADD COLUMN imported boolean NOT NULL DEFAULT false;
