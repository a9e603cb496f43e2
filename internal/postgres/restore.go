package postgres

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// errNoBackup refuses a file that Backup did not write, or a damaged one.
var errNoBackup = errors.New("it is no backup made by parley backup, or it is damaged")

// restoredMark is a file in a cluster that a backup was restored into, until Settle removes it.
const restoredMark = "parley-restored"

// restoreFolder is where a backup is recovered before it gets its place.
const restoreFolder = "cluster.restore"

// Restored says whether the cluster was made from a backup, and Settle has not been called since.
func (c *Cluster) Restored() bool {
	return !c.joined && !missing(filepath.Join(c.data, restoredMark))
}

// Settle says that all is done that has to be after a restore.
func (c *Cluster) Settle() error {
	return errors.Join(os.Remove(filepath.Join(c.data, restoredMark)), syncDir(c.data))
}

// mark notes in a data directory that a backup was restored into it.
func (c *Cluster) mark(data string) error {
	return c.unpackFile(strings.NewReader("The next start gives the feed a new name.\n"), filepath.Join(data, restoredMark))
}

// Restore unpacks what Backup wrote as the cluster in o.Dir, which must hold none, and has PostgreSQL recover it. It leaves nothing if it fails.
func Restore(ctx context.Context, o Options, from io.Reader) (err error) {
	c := &Cluster{options: o.withDefaults()}
	c.log = c.options.Log
	defer c.abandon()
	if err := c.enter(ctx); err != nil {
		return err
	}
	switch madeBy, err := dataDirMajor(c.data); {
	case err != nil:
		return ownAccount().explain(err)
	case madeBy != 0:
		return fmt.Errorf("there is a database in %s already; name another folder with --data-dir, or move that one away", c.dir)
	}
	if c.account, err = serverAccount(c.data, false); err != nil {
		return err
	}
	// It gets its place once it is recovered: a recovery that is cut short can't be begun again.
	draft := filepath.Join(c.dir, restoreFolder)
	defer os.RemoveAll(draft)
	if err := errors.Join(os.RemoveAll(draft), os.Mkdir(draft, 0o755), c.account.own(draft)); err != nil {
		return c.account.explain(err)
	}
	if err := c.readBackup(ctx, from, filepath.Join(draft, "cluster")); err != nil {
		return err
	}
	o = c.options
	o.Dir, o.Existing = draft, true
	recovered, err := Start(ctx, o)
	if err != nil {
		return err
	}
	if err := recovered.Stop(); err != nil {
		return err
	}
	return c.place(recovered.data)
}

// readBackup unpacks a backup up to its checksum.
func (c *Cluster) readBackup(ctx context.Context, from io.Reader, draft string) error {
	zipped, err := gzip.NewReader(from)
	if err != nil {
		return errNoBackup
	}
	archive := tar.NewReader(checked{zipped})
	if err := c.readManifest(ctx, archive); err != nil {
		return err
	}
	if err := c.unpack(ctx, archive, draft); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, checked{zipped})
	return err
}

// readManifest refuses a backup that no PostgreSQL here can read.
func (c *Cluster) readManifest(ctx context.Context, archive *tar.Reader) error {
	header, err := archive.Next()
	if err != nil || header.Name != manifestName {
		return errNoBackup
	}
	var m manifest
	if err := json.NewDecoder(archive).Decode(&m); err != nil || m.Format != 1 {
		return errNoBackup
	}
	_, err = findBinaries(ctx, c.options.BinDir, m.PostgreSQL, "the backup", c.account)
	return err
}

// unpack writes the files of a backup into a folder, and has them on the disk.
func (c *Cluster) unpack(ctx context.Context, archive *tar.Reader, draft string) error {
	folders := []string{draft}
	if err := os.Mkdir(draft, 0o700); err != nil {
		return c.account.explain(err)
	}
	if err := c.mark(draft); err != nil {
		return err
	}
	missing := []string{labelName, "PG_VERSION", "global/pg_control"}
	for {
		header, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF) && len(missing) == 0:
			for _, folder := range folders {
				if err := errors.Join(c.account.own(folder), syncDir(folder)); err != nil {
					return err
				}
			}
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return damaged(err)
		case !plainName(header.Name):
			return errNoBackup
		}
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == header.Name })
		name := filepath.Join(draft, header.Name)
		switch header.Typeflag {
		case tar.TypeDir:
			err = os.Mkdir(name, 0o700)
			folders = append(folders, name)
		case tar.TypeReg:
			err = c.unpackFile(archive, name)
		default:
			return errNoBackup
		}
		if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) { // it has a file twice, or not its folder
			return errNoBackup
		}
		if err != nil {
			return err
		}
	}
}

// plainName says whether a file of a backup has a name that PostgreSQL or an administrator would give, within the folder.
func plainName(name string) bool {
	return filepath.IsLocal(name) && len(name) <= 200 && !strings.ContainsFunc(name, unicode.IsControl) &&
		name != "standby.signal" && name != "recovery.signal" // which would have it wait for another server
}

func (c *Cluster) unpackFile(archive io.Reader, name string) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(file, archive); err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close(), c.account.own(name))
}

// checked says of any failure to read that the backup is damaged.
type checked struct{ io.Reader }

func (c checked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = damaged(err)
	}
	return n, err
}

func damaged(err error) error {
	if errors.Is(err, errNoBackup) {
		return err
	}
	return fmt.Errorf("%w: %w", errNoBackup, err)
}
