// Package analysis_test tests what is derived from the record: stance matrices, landing zones, assessments, briefings.
package analysis_test

import (
	"testing"
	"time"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
	"example.org/parley/storage"
)

func TestMain(m *testing.M) { apitest.Main(m) }

// api is a server under test, with the questions that this package asks of it.
type api struct{ *apitest.API }

func start(t testing.TB) *api {
	t.Helper()
	return &api{apitest.Start(t)}
}

func withTalks(t testing.TB) *api {
	t.Helper()
	return &api{apitest.WithTalks(t)}
}

func withDemo(t testing.TB) *api {
	t.Helper()
	return &api{apitest.WithDemo(t)}
}

func startWith(t testing.TB, o storage.Options, poll time.Duration, changed ...func(*server.Options)) *api {
	t.Helper()
	return &api{apitest.StartWith(t, o, poll, changed...)}
}
