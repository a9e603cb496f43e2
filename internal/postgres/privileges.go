package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that the server runs as. PostgreSQL refuses to run as root, so root drops to another user.
type account struct {
	uid, gid int
	name     string // for messages
	dropped  bool
}

// ownAccount returns the account of this process.
func ownAccount() account {
	uid := os.Geteuid()
	return account{uid: uid, gid: os.Getegid(), name: userName(uid)}
}

// serverAccount returns this process's account. For root it returns the owner of an existing data directory. For a new one
// it returns the owner of the folder that the directory is made in or, if that is root, postgres or nobody.
func serverAccount(dataDir string, exists bool) (account, error) {
	if own := ownAccount(); own.uid != 0 {
		return own, nil
	}
	if exists {
		info, err := os.Stat(dataDir)
		if err != nil {
			return account{}, ownAccount().explain(err)
		}
		owner := info.Sys().(*syscall.Stat_t)
		if owner.Uid == 0 {
			return account{}, fmt.Errorf(
				"%s belongs to root, and PostgreSQL refuses to serve root's files: give it to another user, e.g. "+
					"chown -R postgres %[1]s",
				dataDir)
		}
		return account{uid: int(owner.Uid), gid: int(owner.Gid), name: userName(int(owner.Uid)), dropped: true}, nil
	}
	names := []string{"postgres", "nobody"}
	if info, err := os.Stat(filepath.Dir(dataDir)); err == nil && !ownedBy(info, 0) {
		names = append([]string{userName(int(info.Sys().(*syscall.Stat_t).Uid))}, names...)
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue // such as a number that the list of users lacks, as which initdb would not run
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil && uid > 0 {
			return account{uid: uid, gid: gid, name: name, dropped: true}, nil
		}
	}
	return account{}, errors.New(
		"PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as: run Parley as an " +
			"ordinary user")
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// credential returns the credential for child processes: nil unless privileges are dropped.
func (a account) credential() *syscall.Credential {
	if !a.dropped {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid), Groups: []uint32{}}
}

// own gives a file that root made to the account. It does nothing unless privileges are dropped.
func (a account) own(path string) error {
	if !a.dropped {
		return nil
	}
	if err := os.Lchown(path, a.uid, a.gid); err != nil {
		return a.explain(err)
	}
	return nil
}

// privilegeError means that root lacks rights that root usually has.
type privilegeError struct {
	name string
	err  error
}

func (e *privilegeError) Error() string {
	return fmt.Sprintf(
		"cannot run PostgreSQL as user %s (%v): as root this takes the capabilities SETUID, SETGID, CHOWN and "+
			"DAC_OVERRIDE; grant them, or run Parley as an ordinary user",
		e.name, e.err)
}

func (e *privilegeError) Unwrap() error { return e.err }

// explain turns an error of the file system about permissions into a sentence that names the user.
func (a account) explain(err error) error {
	var path *fs.PathError
	switch {
	case !errors.As(err, &path):
		return err
	case os.Geteuid() == 0 && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL)):
		// EINVAL means that the user namespace does not map the account.
		return &privilegeError{name: a.name, err: err}
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf(
			"user %s may not use the data directory (%w): it belongs to another user; run Parley as that one, or "+
				"choose another data directory",
			a.name, err)
	}
	return err
}

// explainExec does the same for a program that could not be started. EACCES is about the path to the program, other
// errors about changing to the account.
func (a account) explainExec(err error) error {
	switch {
	case errors.As(err, new(*exec.ExitError)):
		return err
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("user %s may not execute it: every folder above it must be open to that user", a.name)
	case a.dropped && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL)):
		return &privilegeError{name: a.name, err: err}
	}
	return err
}
