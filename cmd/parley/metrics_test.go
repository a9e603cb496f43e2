package main_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.org/parley/internal/postgres/pgtest"
)

// The page for operators lists the metrics that a server has, and no others.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	p := serve(t, []string{"DATABASE_URL=" + pgtest.Database(t)})
	p.changes()
	p.ask(`{ nothing }`, nil, nil) // so that errors are counted
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "**Metrics.**")
	table, _, _ = strings.Cut(table, "**Logs.**")
	var listed []string
	for line := range strings.Lines(table) {
		if first, _, isRow := strings.Cut(strings.TrimPrefix(line, "| "), " | "); isRow {
			listed = append(listed, names(`(parley_\w+)`, first)...)
		}
	}
	_, metrics := fetch(t, strings.TrimSuffix(p.url, "/graphql")+"/metrics", "")
	served := names(`(?m)^# TYPE (parley_\w+) `, metrics)
	slices.Sort(listed)
	slices.Sort(served)
	if !slices.Equal(listed, served) {
		t.Errorf("the page lists\n%v\nand the server has\n%v", listed, served)
	}
	p.stop(syscall.SIGINT)
}

func names(pattern, text string) (list []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}
