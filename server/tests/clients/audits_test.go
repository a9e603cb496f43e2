package clients_test

import (
	"encoding/json"
	"strings"
	"testing"

	"example.org/parley/server"
	"example.org/parley/server/apitest"
)

// The server keeps to GraphQL over HTTP, as the audits of its reference implementation see it.
func TestAudits(t *testing.T) {
	t.Parallel()
	var told struct {
		Count  int
		Failed []string
	}
	err := json.Unmarshal(run(t, clienttest, nil, node, "audits.mjs", apitest.Start(t).URL+server.GraphQLPath), &told)
	if err != nil || told.Count < 61 || len(told.Failed) > 0 {
		t.Errorf("%d audits, of which these fail (%v): %s", told.Count, err, strings.Join(told.Failed, "\n"))
	}
}
