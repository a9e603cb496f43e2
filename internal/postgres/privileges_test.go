package postgres

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The server's account depends on who runs the tests. Root and other users run different halves of this file.
var isRoot = os.Geteuid() == 0

func TestServerAccount(t *testing.T) {
	t.Parallel()
	c := mustStart(t, Options{Dir: t.TempDir(), BinDir: testBinaries}) // below a folder of mode 0700
	process, err := os.Stat(c.data)
	if err != nil {
		t.Fatal(err)
	}
	if !isRoot {
		if !ownedBy(process, os.Geteuid()) || c.account.dropped {
			t.Errorf("the server runs as %+v, want ourselves", c.account)
		}
		return
	}
	if ownedBy(process, 0) || c.account.uid == 0 {
		t.Errorf("the server runs as %+v, want not root", c.account)
	}
	if name := c.account.name; name != "postgres" && name != "nobody" {
		t.Errorf("the server runs as %s", name)
	}
	if descriptorPath != "" {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.server.Process.Pid))
		want := fmt.Sprintf("Uid:\t%d\t%[1]d\t%[1]d\t%[1]d\nGid:\t%d\t%[2]d\t%[2]d\t%[2]d\n", c.account.uid,
			c.account.gid)
		if err != nil || !strings.Contains(string(status), want) || !strings.Contains(string(status), "Groups:\t \n") {
			t.Errorf("the server's process has\n%s\nwant %q and no groups (%v)", status, want, err)
		}
	}
}

// An existing cluster is served as its owner, so that the owner can continue to use it without root.
func TestOwnerOfExistingCluster(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	data := filepath.Join(dir, "cluster")
	if !isRoot {
		c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
		if c.account.uid != os.Geteuid() {
			t.Errorf("the server runs as %+v", c.account)
		}
		return
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	own := func(uid string) {
		if out, err := exec.Command("chown", "-R", uid, data).CombinedOutput(); err != nil {
			t.Fatalf("chown: %v: %s", err, out)
		}
	}
	own(nobody.Uid)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	if c.account.name != "nobody" {
		t.Errorf("the server runs as %+v, want nobody", c.account)
	}
	query(t, c, `SELECT 1`)
	mustStop(t, c)
	own("0")
	mustFail(t, Options{Dir: dir, BinDir: testBinaries}, data+" belongs to root", "chown -R postgres "+data)
}

// A directory that another user's Parley made is refused with a reason.
func TestOtherUsersCluster(t *testing.T) {
	t.Parallel()
	const refusal = "it belongs to another user; run Parley as that one, or choose another data directory"
	dir := openDir(t)
	if !isRoot {
		if err := os.Mkdir(filepath.Join(dir, "cluster"), 0); err != nil {
			t.Fatal(err)
		}
		mustFail(t, Options{Dir: dir, BinDir: testBinaries}, "may not use the data directory", refusal)
		return
	}
	if err := os.Rename(filepath.Join(existing(t), "cluster"), filepath.Join(dir, "cluster")); err != nil {
		t.Fatal(err)
	}
	other := &syscall.Credential{Uid: 65534, Gid: 65534}
	got := runProgram(t, order{Dir: dir, BinDir: testBinaries}, other).refusal()
	if !strings.Contains(got, refusal) {
		t.Errorf("the error is %q", got)
	}
}

func TestUnreachableBinaries(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "bin")
	fakeBinaries(t, folder, "90.1")
	if isRoot { // root's t.TempDir is closed to others
		mustFail(t, Options{Dir: t.TempDir(), BinDir: folder}, folder, "may not execute it",
			"every folder above it must be open")
		return
	}
	if err := os.Chmod(filepath.Join(folder, "postgres"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustFail(t, Options{Dir: t.TempDir(), BinDir: folder}, folder, "may not execute it")
}

// Containers often run with a user id that has no name. initdb needs a name.
func TestUserWithoutName(t *testing.T) {
	t.Parallel()
	const refusal = "which has no entry in the system's list of users"
	if !isRoot {
		bin := openDir(t)
		write(t, filepath.Join(bin, "postgres"), "#!/bin/sh\necho 'postgres (PostgreSQL) 90.1'\n", 0o755)
		write(t, filepath.Join(bin, "initdb"),
			"#!/bin/sh\necho 'initdb: error: could not look up effective user ID 54321: user does not exist' >&2\n"+
				"exit 1\n",
			0o755)
		mustFail(t, Options{Dir: t.TempDir(), BinDir: bin}, refusal, strconv.Itoa(os.Geteuid()))
		return
	}
	dir := openDir(t)
	if err := os.Chown(dir, 54321, 54321); err != nil {
		t.Fatal(err)
	}
	got := runProgram(t, order{Dir: dir, BinDir: testBinaries}, &syscall.Credential{Uid: 54321, Gid: 54321}).refusal()
	if !strings.Contains(got, refusal) || !strings.Contains(got, "user id 54321") {
		t.Errorf("the error is %q", got)
	}
}

// A container's root may lack the rights to change to another user.
func TestRootWithoutRights(t *testing.T) {
	t.Parallel()
	if !isRoot || descriptorPath == "" {
		err := (account{uid: 1, name: "postgres", dropped: true}).explainExec(
			&os.PathError{Op: "fork/exec", Path: "/x", Err: syscall.EPERM})
		if err == nil || !strings.Contains(err.Error(), "cannot run PostgreSQL as user postgres") {
			t.Errorf("the error is %v", err)
		}
		return
	}
	const chown, override, readSearch, setGID, setUID = 0, 1, 2, 6, 7
	for name, lost := range map[string][]uintptr{
		"all": {chown, override, readSearch, setGID, setUID}, "chown": {chown}, "setuid": {setUID}, "setgid": {setGID},
		"dac override": {override, readSearch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runProgram(t, order{Dir: t.TempDir(), BinDir: testBinaries, DropFromRoot: lost}, nil).refusal()
			if !strings.Contains(got, "cannot run PostgreSQL as user") ||
				!strings.Contains(got, "SETUID, SETGID, CHOWN and DAC_OVERRIDE") {
				t.Errorf("the error is %q", got)
			}
		})
	}
}

// What root makes in the folder of another user belongs to that one.
func TestNewClusterOfAnotherUser(t *testing.T) {
	t.Parallel()
	owner := os.Geteuid()
	if isRoot {
		owner = 65534 // nobody
	}
	folder := func() string {
		dir := openDir(t)
		if err := os.Chown(dir, owner, -1); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dir := folder()
	mustStop(t, mustStart(t, Options{Dir: dir, BinDir: testBinaries}))
	if _, err := Upgrade(t.Context(), Options{Dir: dir, BinDir: testBinaries, sameVersion: true}); err != nil {
		t.Fatal(err)
	}
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	info, err := os.Stat(c.data)
	if err != nil || !ownedBy(info, owner) {
		t.Errorf("%s does not belong to the owner of the folder (%v)", c.data, err)
	}
	var copied bytes.Buffer
	if err := c.Backup(t.Context(), &copied, noProgress); err != nil {
		t.Fatal(err)
	}
	restored := folder()
	mustRestore(t, restored, copied.Bytes())
	if info, err := os.Stat(filepath.Join(restored, "cluster", "PG_VERSION")); err != nil || !ownedBy(info, owner) {
		t.Errorf("what is restored does not belong to the owner of the folder (%v)", err)
	}
}
