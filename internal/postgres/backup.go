package postgres

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A backup is a compressed tar file: first manifestName, then the data directory as PostgreSQL's low-level interface for backups has it
// copied, with the write-ahead log that makes it consistent. pg_basebackup would do the same, but not every installation has it.
const (
	manifestName = "parley-backup.json"
	labelName    = "backup_label"
	mapName      = "tablespace_map"
	logFolder    = "pg_wal"
)

// manifest says what a backup is of.
type manifest struct {
	Format     int       `json:"parleyBackup"` // 1
	PostgreSQL int       `json:"postgresql"`   // the major version that can read it
	Begun      time.Time `json:"begun"`
}

// emptied are folders whose contents a copy does not need: PostgreSQL makes them anew.
var emptied = []string{logFolder, "pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans"}

// omitted are files of the running server, and what a copy gets from elsewhere.
var omitted = []string{"postmaster.pid", "postmaster.opts", "postgresql.auto.conf.tmp", "current_logfiles.tmp", "backup_label.old", labelName, mapName, restoredMark}

// Backup writes a consistent copy of the cluster, which goes on meanwhile. The copy holds all that was committed before its end. progress is
// told how many bytes of files have been read, of how many.
func (c *Cluster) Backup(ctx context.Context, w io.Writer, progress func(done, of int64)) error {
	db, err := sql.Open("postgres", c.DSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx) // the backup ends with its session
	if err != nil {
		return fmt.Errorf("cannot connect to the built-in database: %w", err)
	}
	defer conn.Close()
	major, err := dataDirMajor(c.data)
	if err != nil {
		return ownAccount().explain(err)
	}
	data, err := filepath.EvalSymlinks(c.data)
	if err != nil {
		return ownAccount().explain(err)
	}
	b := &backup{data: data, progress: progress, session: conn}
	zipped, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	b.tar = tar.NewWriter(zipped)
	if err := b.write(ctx, manifest{Format: 1, PostgreSQL: major, Begun: time.Now().UTC()}); err != nil {
		return fmt.Errorf("cannot copy the built-in database: %w", err)
	}
	return errors.Join(b.tar.Close(), zipped.Close())
}

// backup is one that is being written.
type backup struct {
	data     string // the data directory
	session  *sql.Conn
	tar      *tar.Writer
	progress func(done, of int64)
	done, of int64
}

func (b *backup) write(ctx context.Context, m manifest) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := b.text(manifestName, string(text)+"\n"); err != nil {
		return err
	}
	// The slot keeps the log from its beginning. It is temporary: it goes with the session.
	const begin = `
		SELECT pg_walfile_name(pg_backup_start('parley backup', fast => true))
		FROM pg_create_physical_replication_slot('parley_' || pg_backend_pid(), true, true)`
	var first, last, label, tablespaces string
	if err := b.session.QueryRowContext(ctx, begin).Scan(&first); err != nil {
		return err
	}
	if err := b.files(ctx); err != nil {
		return err
	}
	const end = `SELECT pg_walfile_name(lsn), labelfile, coalesce(spcmapfile, '') FROM pg_backup_stop(wait_for_archive => false)`
	if err := b.session.QueryRowContext(ctx, end).Scan(&last, &label, &tablespaces); err != nil {
		return err
	}
	if tablespaces != "" {
		return errors.New("it has tablespaces outside its folder; copy it with pg_basebackup")
	}
	if err := b.text(labelName, label); err != nil {
		return err
	}
	return b.log(first, last)
}

// files copies all files of the data directory but the log.
func (b *backup) files(ctx context.Context) error {
	var files []string
	err := filepath.WalkDir(b.data, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // dropped meanwhile
			return nil
		case err != nil:
			return err
		}
		name, err := filepath.Rel(b.data, file)
		switch {
		case err != nil || name == ".":
			return err
		case leftOut(name) && entry.IsDir():
			return fs.SkipDir
		case leftOut(name):
			return nil
		case !entry.IsDir() && !entry.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder; copy such a database with pg_basebackup", file)
		}
		if entry.IsDir() {
			header := tar.Header{Typeflag: tar.TypeDir, Name: filepath.ToSlash(name) + "/", Mode: 0o700}
			if err := b.tar.WriteHeader(&header); err != nil {
				return err
			}
			if slices.Contains(emptied, name) {
				return filepath.SkipDir
			}
			return nil
		}
		if info, err := entry.Info(); err == nil {
			b.of += info.Size()
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.file(name); err != nil {
			return err
		}
	}
	return nil
}

func leftOut(name string) bool {
	base := filepath.Base(name)
	return slices.Contains(omitted, name) || strings.HasPrefix(base, "pgsql_tmp") || strings.HasPrefix(base, "pg_internal.init")
}

// file copies a file as it is now. One that shrinks while it is read is filled up: replaying the log cuts it again.
func (b *backup) file(name string) error {
	file, err := os.Open(filepath.Join(b.data, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header := tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(name), Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}
	if err := b.tar.WriteHeader(&header); err != nil {
		return err
	}
	read, err := io.Copy(b.tar, io.LimitReader(file, info.Size()))
	if err == nil && read < info.Size() {
		_, err = io.CopyN(b.tar, zeros{}, info.Size()-read)
	}
	b.done += info.Size()
	b.progress(min(b.done, b.of), b.of)
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// log copies the write-ahead log from one file to another.
func (b *backup) log(first, last string) error {
	entries, err := os.ReadDir(filepath.Join(b.data, logFolder))
	if err != nil {
		return err
	}
	var copied []string
	for _, entry := range entries {
		if name := entry.Name(); len(name) == len(first) && name >= first && name <= last {
			if err := b.file(path.Join(logFolder, name)); err != nil {
				return err
			}
			copied = append(copied, name)
		}
	}
	if !slices.Contains(copied, first) || !slices.Contains(copied, last) {
		return fmt.Errorf("a part of the log from %s to %s is gone; back up again", first, last)
	}
	return nil
}

func (b *backup) text(name, text string) error {
	header := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(text)), ModTime: time.Now()}
	if err := b.tar.WriteHeader(&header); err != nil {
		return err
	}
	_, err := io.WriteString(b.tar, text)
	return err
}
