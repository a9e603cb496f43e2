package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.org/parley/archive"
	"example.org/parley/server"
)

// half is the escape of half a surrogate pair in JSON, in a document and in YAML.
const half = `\ud83d`

// What stands for no character is refused before anything puts U+FFFD in its place, on every way in.
func TestDamagedTextsAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.Changes()
	const register = `mutation($i: RegisterSourceInput!) { registerSource(input: $i) { source { body } userErrors { code message } } }`
	body := func(title string) string {
		return `{"query": "` + register + `", "variables": {"i": {"key": "s", "title": "` + title + `"}}}`
	}
	events := http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
	for name, c := range map[string]struct {
		send  func() (*http.Response, string)
		place string
	}{
		"bytes in a variable": {func() (*http.Response, string) {
			return a.Send("POST", server.GraphQLPath, asJSON, strings.NewReader(body("d\xe9l")))
		}, "variables.i.title"},
		"half in a variable": {func() (*http.Response, string) {
			return a.Send("POST", server.GraphQLPath, asJSON, strings.NewReader(body(half)))
		}, "variables.i.title"},
		"half in a literal": {func() (*http.Response, string) {
			return a.Send("POST", server.GraphQLPath, asJSON, strings.NewReader(`{"query": "mutation {\n registerSource(input: {key: \"s\", title: \"Off \`+half+`\"}) { cursor } }"}`))
		}, "The document, in line 2, column 47,"},
		"half in a stream": {func() (*http.Response, string) {
			return a.Send("POST", server.GraphQLPath, events, strings.NewReader(body(half)))
		}, "variables.i.title"},
		"bytes in a stream": {func() (*http.Response, string) {
			return a.Send("POST", server.GraphQLPath, events, strings.NewReader(body("\xff")))
		}, "variables.i.title"},
		"bytes in GET": {func() (*http.Response, string) {
			return a.Send("GET", server.GraphQLPath+"?query=%7Bviewer%7Bname%7D%7D%23%e9", nil, nil)
		}, "query"},
		"bytes in GET's JSON": {func() (*http.Response, string) {
			return a.Send("GET", server.GraphQLPath+"?query=%7Bviewer%7Bname%7D%7D&variables=%7B%22a%22:%22%e9%22%7D", nil, nil)
		}, "variables"},
		"half in GET's JSON": {func() (*http.Response, string) {
			return a.Send("GET", server.GraphQLPath+"?"+url.Values{"query": {"{viewer{name}}"}, "variables": {`{"a": "` + half + `"}`}}.Encode(), nil, nil)
		}, "variables.a"},
	} {
		response, text := c.send()
		if !strings.Contains(text, "BAD_REQUEST") || !strings.Contains(text, c.place) || strings.Contains(text, "\ufffd") {
			t.Errorf("%s is answered with %d %s", name, response.StatusCode, text)
		}
	}
	response, text := a.Send("POST", server.GraphQLPath, http.Header{"Content-Type": {"application/json; charset=iso-8859-1"}}, strings.NewReader(body("x")))
	if response.StatusCode != http.StatusUnsupportedMediaType || !strings.Contains(text, "iso-8859-1") || !strings.Contains(text, "UTF-8") {
		t.Errorf("another charset is answered with %d %s", response.StatusCode, text)
	}
	for name, set := range map[string]string{
		"half in JSON":  `{"dataset": "d", "stakeholders": [{"key": "half", "name": "North ` + half + `", "kind": "STATE"}]}`,
		"half in YAML":  "dataset: d\nstakeholders: [{key: half, name: \"North " + half + "\", kind: STATE}]\n",
		"bytes in YAML": "dataset: d\nstakeholders: [{key: half, name: \"North \xe9\", kind: STATE}]\n",
		"bytes in JSON": "{\"dataset\": \"d\", \"stakeholders\": [{\"key\": \"half\", \"name\": \"North \xe9\", \"kind\": \"STATE\"}]}",
	} {
		if err := a.TryLoad("set", set); err == nil || !strings.HasPrefix(err.Error(), "set:") || !strings.Contains(err.Error(), "UTF-8") && !strings.Contains(err.Error(), "half") && !strings.Contains(err.Error(), "escape") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a.Changes() != before {
		t.Error("something was recorded")
	}
	// Whole pairs, and backslashes that escape nothing, are characters.
	var sent map[string]any
	if err := json.Unmarshal([]byte(body(`\ud83d\ude00 \\ud83d é`)), &sent); err != nil {
		t.Fatal(err)
	}
	a.Post("application/json; charset=UTF-8", body(`\ud83d\ude00 \\ud83d é`)).Want("registerSource.userErrors", "[]")
	a.Must(`{ source(id: "s") { title } }`).Want("source.title", "😀 "+half+" é")
}

// An archive with a text that stands for no character is refused too.
func TestDamagedArchivesAreRefused(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	var text strings.Builder
	subject, err := archive.Find(a.Ctx, a.Store, "talks", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := subject.JSON(a.Ctx, &text, nil); err != nil {
		t.Fatal(err)
	}
	for _, damaged := range []string{half, "\xe9"} {
		b := start(t)
		forged := strings.Replace(text.String(), `"Talks of North and South"`, `"Talks of North and South `+damaged+`"`, 1)
		if _, err := archive.Import(b.Ctx, b.Store, "talks.json", strings.NewReader(forged), nil); err == nil || !strings.Contains(err.Error(), "talks.json") || !strings.Contains(err.Error(), "title") {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}

var asJSON = http.Header{"Content-Type": {"application/json"}}
