package storage

import (
	"fmt"
	"testing"
)

// A URL may have several hosts, each with its own port, as libpq reads it.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:p%40@a:5432,b:5433/db?sslmode=disable": "a:5432 b:5433",
		"postgres://u@a,b/db":                                "a:5432 b:5432",
		"postgres://u@a:1/db":                                "a:1",
		"host=a,b port=1,2 user=u":                           "a:1 b:2",
	} {
		c, err := configure(dsn)
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		got := fmt.Sprintf("%s:%d", c.Host, c.Port)
		for _, m := range c.Multi {
			got += fmt.Sprintf(" %s:%d", m.Host, m.Port)
		}
		if got != want {
			t.Errorf("%s leads to %s, want %s", dsn, got, want)
		}
	}
}
