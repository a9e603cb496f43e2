package apitest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Pooler is PgBouncer in transaction mode before a database.
type Pooler struct {
	Address string // where it is reached

	t    testing.TB
	args []string
	cmd  *exec.Cmd
	said bytes.Buffer
}

var userOf = regexp.MustCompile(`user=(\S+)`)

// StartPooler starts one with so many server processes.
func StartPooler(t testing.TB, dsn string, servers int) *Pooler {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Pooler{Address: free.Addr().String(), t: t}
	free.Close()
	socket := Socket(t, dsn)
	config := filepath.Join(t.TempDir(), "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
`, filepath.Dir(socket), strings.TrimPrefix(filepath.Ext(socket), "."), userOf.FindStringSubmatch(dsn)[1],
		strings.TrimPrefix(p.Address, "127.0.0.1:"), servers)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.args = []string{"-q", config}
	if os.Geteuid() == 0 { // it does not run as root
		p.args = append([]string{"-u", "postgres"}, p.args...)
	}
	p.Start()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Log("PgBouncer: " + p.said.String())
		}
	})
	return p
}

// Kill ends it at once.
func (p *Pooler) Kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// Start starts it again.
func (p *Pooler) Start() {
	p.t.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		path = "/usr/sbin/pgbouncer" // not on everybody's PATH
	}
	p.cmd = exec.Command(path, p.args...)
	p.cmd.Stderr = &p.said
	if err := p.cmd.Start(); err != nil {
		p.t.Fatalf("This test runs PgBouncer, which `make test` installs: %v", err)
	}
	Wait(p.t, "PgBouncer to listen", func() bool {
		conn, err := net.Dial("tcp", p.Address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}
