package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSecondInstance(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	first := mustStart(t, Options{Dir: dir, BinDir: testBinaries})

	begun := time.Now()
	mustFail(t, Options{Dir: dir, BinDir: testBinaries, lockWait: 200 * time.Millisecond},
		"is in use by process "+strconv.Itoa(os.Getpid()), "choose another data directory")
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Errorf("it gave up after %v", took)
	}
	query(t, first, `SELECT 1`)

	// An instance that may wait takes over as soon as the first has left, also under another name of the directory.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	log := new(logRecorder)
	second := make(chan *Cluster)
	go func() {
		defer close(second)
		c, err := Start(t.Context(), Options{Dir: link, BinDir: testBinaries, Log: log.Logger(), lockWait: maxWait})
		if err != nil {
			t.Error(err)
			return
		}
		second <- c
	}()
	until(t, "the second to wait",
		func() bool { return strings.Contains(log.String(), "waiting for another instance") })
	mustStop(t, first)
	if c := <-second; c != nil {
		query(t, c, `SELECT 1`)
		mustStop(t, c)
	}
}

// Data of another version, and anything that is not a cluster, stay untouched.
func TestForeignData(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file, text string
		words      []string
	}{
		"older version":  {"PG_VERSION", "9\n", []string{"made by PostgreSQL 9", "left untouched", "needs version 15"}},
		"newer version":  {"PG_VERSION", "99\n", []string{"made by PostgreSQL 99", "left untouched"}},
		"no version":     {"PG_VERSION", "", []string{"not a PostgreSQL data directory"}},
		"something else": {"thesis.tex", `\begin{document}`, []string{"not a PostgreSQL data directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			data := filepath.Join(dir, "cluster")
			write(t, filepath.Join(data, test.file), test.text, 0o600)
			giveToServer(t, data)
			mustFail(t, Options{Dir: dir, BinDir: testBinaries}, append(test.words, data)...)
			entries, err := os.ReadDir(data)
			if err != nil || len(entries) != 1 {
				t.Errorf("the directory now holds %v (%v)", entries, err)
			}
			if text, err := os.ReadFile(filepath.Join(data, test.file)); err != nil || string(text) != test.text {
				t.Errorf("the file now holds %q (%v)", text, err)
			}
		})
	}
}

// giveToServer gives a directory to an account that the server may run as.
func giveToServer(t *testing.T, path string) {
	t.Helper()
	who, err := serverAccount(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := who.own(path); err != nil {
		t.Fatal(err)
	}
}

func TestEmptyAndHalfMadeDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "cluster"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cluster.init", "PG_VERSION"), "15\n", 0o600)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	if _, err := os.Stat(c.data + ".init"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half-made cluster is still there (%v)", err)
	}
}

// The process id that a killed server left may belong to another program or a zombie.
func TestStaleFiles(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	mustStop(t, c)
	for name, command := range map[string][]string{"alive": {"sleep", "600"}, "zombie": {"true"}} {
		t.Run(name, func(t *testing.T) {
			other := exec.Command(command[0], command[1:]...)
			if err := other.Start(); err != nil {
				t.Fatal(err)
			}
			defer other.Wait() // not earlier: until then "true" is a zombie
			defer other.Process.Kill()
			pid := other.Process.Pid
			write(t, filepath.Join(c.data, "postmaster.pid"),
				fmt.Sprintf("%d\n%s\n1700000000\n5432\n%s\n\n", pid, c.data, c.socketDir), 0o600)
			if err := os.Mkdir(c.socketDir, 0o700); err != nil {
				t.Fatal(err)
			}
			lock := fmt.Sprintf("%d\n%s\n", pid, c.data)
			for name, text := range map[string]string{socketName: "", socketName + ".lock": lock} {
				write(t, filepath.Join(c.socketDir, name), text, 0o600)
			}
			again := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
			query(t, again, `SELECT 1`)
			mustStop(t, again)
		})
	}
}

// A server that somebody started by hand does not hold our lock. Two servers on the same files would destroy them.
func TestServerStartedByHand(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	data := filepath.Join(dir, "cluster")
	c := mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	execute(t, c, Database, `CREATE TABLE note AS SELECT 'kept' AS body`)
	mustStop(t, c)

	// Its processes differ from ours only in that they lack the lock.
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	byHand := &Cluster{
		options:  Options{}.withDefaults(),
		data:     data,
		binaries: c.binaries,
		account:  c.account,
		lock:     null,
	}
	socketDir, err := makeSocketDir(t.TempDir(), c.account)
	if err != nil {
		t.Fatal(err)
	}
	defer removeSocketDir(socketDir)
	cmd, closeFiles, err := byHand.command("postgres", data, syscall.SIGINT, "-k", socketDir, "-h", "")
	if err != nil {
		t.Fatal(err)
	}
	defer closeFiles()
	ended, err := startProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the server to start", func() bool {
		text, _ := os.ReadFile(filepath.Join(data, "postmaster.pid"))
		return strings.Contains(string(text), "ready")
	})
	mustFail(t, Options{Dir: dir, BinDir: testBinaries},
		"Parley did not start", "(process "+strconv.Itoa(cmd.Process.Pid)+")", "stop it first")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server started by hand was disturbed: %v", err)
	}
	c = mustStart(t, Options{Dir: dir, BinDir: testBinaries})
	if got := query(t, c, `SELECT body FROM note`); got != "kept" {
		t.Errorf("the row is %q", got)
	}
}

func TestLocales(t *testing.T) {
	t.Parallel()
	unknown := []string{"--locale=xx_XX.UTF-8"}
	t.Run("next", func(t *testing.T) {
		t.Parallel()
		c := mustStart(t,
			Options{Dir: t.TempDir(), BinDir: testBinaries, locales: append([][]string{unknown}, defaultLocales[2])})
		if got := query(t, c, `SELECT lower('ÉÀ')`); got != "éà" {
			t.Errorf("lower('ÉÀ') is %q", got)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		mustFail(t, Options{Dir: t.TempDir(), BinDir: testBinaries, locales: [][]string{unknown, unknown}},
			"cannot create the database cluster", "locale", "xx_XX")
	})
}

// The operator sees the server's own reason, with the directory's real path.
func TestServerRefusesToStart(t *testing.T) {
	t.Parallel()
	dir := existing(t)
	data := filepath.Join(dir, "cluster")
	if err := os.Chmod(data, 0o755); err != nil {
		t.Fatal(err)
	}
	mustFail(t, Options{Dir: dir, BinDir: testBinaries}, "did not start", `"`+data+`" has invalid permissions`,
		"(0700)")
	if err := os.Chmod(data, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(data, "postgresql.auto.conf"), "shared_buffers = 'plenty'\n", 0o600)
	mustFail(t, Options{Dir: dir, BinDir: testBinaries}, "did not start", "postgresql.auto.conf")
}

// Where a database has to be there, none is made, nor a folder.
func TestExistingOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	absent := filepath.Join(dir, "absent")
	for _, folder := range []string{dir, absent} {
		o := Options{Dir: folder, BinDir: testBinaries, Existing: true, Join: true}
		mustFail(t, o, "there is no database in "+folder+"; name its folder with --data-dir")
		if says, err := Check(t.Context(), o); err == nil || !strings.Contains(err.Error(), "there is no database in "+folder) {
			t.Errorf("it is checked: %s %v", says, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v (%v)", left, err)
	}
}

// A folder that can't be made is refused by Check too.
func TestCheckRefusesFolders(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "", 0o600)
	o := Options{Dir: filepath.Join(file, "data"), BinDir: testBinaries}
	if says, err := Check(t.Context(), o); err == nil || !strings.Contains(err.Error(), "cannot make the data directory in "+file) {
		t.Errorf("it is checked: %s %v", says, err)
	}
	mustFail(t, o, "cannot make the data directory")
}

func TestSweepTemporaryDirs(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	long := time.Now().Add(-time.Hour)
	place := func(name string, modified time.Time) string {
		dir := filepath.Join(parent, temporaryPrefix+name)
		write(t, lockPath(dir), "", 0o600)
		write(t, filepath.Join(dir, "cluster", "PG_VERSION"), "15", 0o600)
		if err := os.Chtimes(dir, modified, modified); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dead, young, alive := place("dead", long), place("young", time.Now()), place("alive", long)
	lock, err := acquireLock(t.Context(), alive, time.Second, new(logRecorder).Logger(), alone)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	socket := socketDirPath(dead, "12345")
	if err := os.Mkdir(socket, 0o700); err != nil {
		t.Fatal(err)
	}

	sweepTemporaryDirs(parent, new(logRecorder).Logger())
	for path, want := range map[string]bool{dead: false, socket: false, young: true, alive: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
}
