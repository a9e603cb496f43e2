package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"example.org/parley/server"
)

// told is an error or a refusal in an answer.
type told struct {
	Message    string
	Extensions struct{ Code string }
}

const graphQL = server.GraphQLPath

// What callers may be told while a fault lasts, as the table calls it.
const (
	notRecorded = "UNAVAILABLE, nothing recorded:"
	recorded    = "UNAVAILABLE, on record:"
	notKnown    = "UNAVAILABLE, not known:"
	notRead     = "UNAVAILABLE, not read:"
	tooSlow     = "LIMIT, nothing recorded:"
	noAnswer    = "no answer:"
	reconnected = "reconnects:"
	badCursor   = "BAD_CURSOR:"
)

// answer is what came back over POST.
type answer struct {
	Data   json.RawMessage
	Errors []told
	status int
}

// ask asks one of the servers. An error means that there is no answer.
func (r *row) ask(ctx context.Context, server int, document string, variables map[string]any) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		return a, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.servers[server].URL+graphQL, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	a.status = response.StatusCode
	return a, json.NewDecoder(response.Body).Decode(&a)
}

// kind is which of these an answer tells; "": none.
func (a answer) kind() string {
	if len(a.Errors) != 1 {
		return ""
	}
	e := a.Errors[0]
	unavailable := e.Extensions.Code == "UNAVAILABLE" && a.status == http.StatusServiceUnavailable
	switch {
	case unavailable && strings.Contains(e.Message, "whether it is on record is not known"):
		return notKnown
	case unavailable && strings.Contains(e.Message, "This is on record"):
		return recorded
	case unavailable && strings.Contains(e.Message, "nothing was recorded"):
		return notRecorded
	case e.Extensions.Code == "LIMIT" && strings.Contains(e.Message, "nothing was recorded"):
		return tooSlow
	case unavailable:
		return notRead
	}
	return ""
}

func (a answer) String() string { return fmt.Sprintf("status %d: %s %+v", a.status, a.Data, a.Errors) }
