package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const pollInterval = 10 * time.Millisecond

// acquireLock makes this process the only user of dir. Every process of the server inherits the open file and with it
// the lock. So the lock is free only when the last of them has ended, however it ended; unlike a process id in a file,
// it can't be stale. Closing the file releases it. Unlocking it would unlock it for all processes that inherited it.
//
// While another process has the lock, shared is asked whether that will do; then there is neither a file nor an error.
func acquireLock(ctx context.Context, dir string, wait time.Duration, log *slog.Logger, shared func() bool) (*os.File, error) {
	file, err := os.OpenFile(lockPath(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return nil, ownAccount().explain(err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data directory: %w", err)
	}
	if locked, err := waitForLock(ctx, file, wait, log, shared); !locked {
		_ = file.Close()
		return nil, err
	}
	// The process id is only for the error message of another instance.
	if err := file.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(file, "%d\n", os.Getpid())
	}
	return file, nil
}

func lockPath(dir string) string { return filepath.Join(dir, "lock") }

func waitForLock(ctx context.Context, file *os.File, wait time.Duration, log *slog.Logger, shared func() bool) (locked bool, err error) {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for first := true; ; first = false {
		err := tryLock(file)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return false, fmt.Errorf("cannot lock the data directory: %s: %w", file.Name(), err)
		}
		if shared() {
			return false, nil
		}
		if first {
			log.Info("waiting for another instance to leave the data directory…", "dir", filepath.Dir(file.Name()))
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-timeout.C:
			holder := "another process"
			if text, err := os.ReadFile(file.Name()); err == nil && len(text) > 0 {
				holder = "process " + strings.TrimSpace(string(text))
			}
			return false, fmt.Errorf(
				"the built-in database in %s is in use by %s; stop that one, or choose another data directory",
				filepath.Dir(file.Name()), holder)
		case <-poll.C:
		}
	}
}

func tryLock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
