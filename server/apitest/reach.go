package apitest

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// place is where a database is, as the DSNs of package postgres say it: a folder with a socket.
var place = regexp.MustCompile(`host='?([^' ]+)'? port=(\d+)`)

// Socket is the socket at which a database is reached.
func Socket(t testing.TB, dsn string) string {
	t.Helper()
	found := place.FindStringSubmatch(dsn)
	if found == nil {
		t.Fatalf("no socket in %q", dsn)
	}
	return filepath.Join(found[1], ".s.PGSQL."+found[2])
}

// Through is the DSN by which a database is reached through something else at an address.
func Through(dsn, address string) string {
	host, port, _ := strings.Cut(address, ":")
	return place.ReplaceAllLiteralString(dsn, "host="+host+" port="+port)
}
