package clients_test

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.org/parley/server/apitest"
)

// The changelog lists every change of the schema that breaks documents or generated code, by its place, and no other
// place. graphql-inspector finds these changes.
func TestWhatBreaksIsInTheChangelog(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	e := &exam{t: t, others: apitest.Start(t)}
	released, err := filepath.Abs("../../../graph/released.graphql")
	if err != nil {
		t.Fatal(err)
	}
	var breaking []struct{ Path, Message string }
	if err := json.Unmarshal(run(t, clienttest, nil, node, "breaking.mjs", released, e.schema(folder)), &breaking); err != nil {
		t.Fatal(err)
	}
	changelog, err := os.ReadFile("../../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(changelog), "### What breaks for clients\n")
	list, _, _ = strings.Cut(list, "\n#")
	places := make(map[string]bool) // whether something breaks there
	for line := range strings.SplitSeq(strings.ReplaceAll(list, "\n  ", " "), "\n") {
		if item, _, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(item, "- ") {
			for _, place := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(item, -1) {
				places[place[1]] = false
			}
		}
	}
	for _, change := range breaking {
		said := false
		for place := range places {
			if fits, err := path.Match(place, change.Path); err != nil {
				t.Fatal(err)
			} else if fits {
				places[place], said = true, true
			}
		}
		if !said {
			t.Errorf("the changelog does not say, under “What breaks for clients”, that this breaks at `%s`: %s", change.Path, change.Message)
		}
	}
	for place, breaks := range places {
		if !breaks {
			t.Errorf("the changelog says that something breaks at `%s`, but nothing does", place)
		}
	}
	if len(breaking) > 0 && !found {
		t.Error("the changelog has no section “What breaks for clients”")
	}
}
