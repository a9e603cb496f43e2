package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley/archive"
	"example.org/parley/graph"
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
			return a.Send("POST", server.GraphQLPath, asJSON, strings.NewReader(
				`{"query": "mutation {\n registerSource(input: {key: \"s\", title: \"Off \`+half+`\"}) { cursor } }"}`))
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
		says := fmt.Sprint(a.TryLoad("set", set))
		if !strings.HasPrefix(says, "set:") || !strings.Contains(says, "UTF-8") && !strings.Contains(says, "half") &&
			!strings.Contains(says, "escape") {
			t.Errorf("%s: %s", name, says)
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
		_, err := archive.Import(b.Ctx, b.Store, "talks.json", strings.NewReader(forged), nil)
		if err == nil || !strings.Contains(err.Error(), "talks.json") || !strings.Contains(err.Error(), "title") {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}

var asJSON = http.Header{"Content-Type": {"application/json"}}

// A variable that is null where a value has to be, beside a default, is one clear error of the request: for every
// argument and every input field that has a default.
func TestNullForWhatHasADefault(t *testing.T) {
	t.Parallel()
	a := start(t)
	schema := graph.NewSchema(graph.Config{}).Schema()
	arguments, fields := 0, make(map[string]bool)
	refused := func(of string, t0 *ast.Type, document string) {
		t.Helper()
		nullable := strings.TrimSuffix(t0.String(), "!")
		got := a.Ask(strings.Replace(document, "(", "($v: "+nullable+") ", 1), map[string]any{"v": nil})
		got.Fails("BAD_REQUEST", "$v is null", "can't be null", "leave the variable out")
		if len(got.Errs) != 1 {
			t.Errorf("%s: %+v", of, got.Errs)
		}
	}
	for _, path := range paths(schema) {
		last := path[len(path)-1]
		for _, argument := range last.Arguments {
			if argument.Type.NonNull && argument.DefaultValue != nil {
				arguments++
				refused(last.Name+"."+argument.Name, argument.Type, document(schema, path, argument.Name+": $v"))
			}
			for name, wrap := range inputs(schema, argument.Type) {
				for _, field := range schema.Types[name].Fields {
					if field.Type.NonNull && field.DefaultValue != nil {
						fields[name+"."+field.Name] = true
						refused(name+"."+field.Name, field.Type, document(schema, path, argument.Name+": "+wrap(field.Name+": $v")))
					}
				}
			}
		}
	}
	for _, d := range schema.Types {
		for _, f := range d.Fields {
			if d.Kind == ast.InputObject && f.Type.NonNull && f.DefaultValue != nil && !fields[d.Name+"."+f.Name] {
				t.Errorf("%s.%s was not tried", d.Name, f.Name)
			}
		}
	}
	if arguments < 9 || len(fields) < 17 {
		t.Errorf("%d arguments and %d fields were tried", arguments, len(fields))
	}
	// What is left out has its default, and null in an object is found in the variables.
	a.Must(`query($n: Int) { scenarios(first: $n) { totalCount } }`)
	a.Ask(`mutation($i: RegisterSourceInput!) { registerSource(input: $i) { cursor } }`, map[string]any{"i": map[string]any{"key": "k", "title": "T", "marking": nil}}).
		Fails("BAD_REQUEST", "$i.marking is null; give one of TLP_CLEAR")
	a.Ask(`query($b: Boolean = true) { viewer @include(if: $b) { name } }`, map[string]any{"b": nil}).Fails("BAD_REQUEST", "$b is null, and if, of type Boolean!")
}

// inputs are the input types within a type, each with how a field of it is written there.
func inputs(schema *ast.Schema, t *ast.Type) map[string]func(field string) string {
	found := make(map[string]func(string) string)
	var add func(t *ast.Type, around func(string) string)
	add = func(t *ast.Type, around func(string) string) {
		d := schema.Types[t.Name()]
		if d.Kind != ast.InputObject || found[d.Name] != nil {
			return
		}
		found[d.Name] = func(field string) string { return around(literal(schema, t, field)) }
		for _, f := range d.Fields {
			add(f.Type, func(value string) string { return found[d.Name](f.Name + ": " + value) })
		}
	}
	add(t, func(value string) string { return value })
	return found
}

// paths lead from the roots to every field that has arguments, each by the shortest way.
func paths(schema *ast.Schema) (list [][]*ast.FieldDefinition) {
	type place struct {
		on   *ast.Definition
		path []*ast.FieldDefinition
	}
	var queue []place
	met := make(map[string]bool)
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation} {
		queue = append(queue, place{on: root})
	}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		for _, f := range next.on.Fields {
			if met[next.on.Name+"."+f.Name] || strings.HasPrefix(f.Name, "__") {
				continue
			}
			met[next.on.Name+"."+f.Name] = true
			path := append(slices.Clone(next.path), f)
			if len(f.Arguments) > 0 {
				list = append(list, path)
			}
			if on := schema.Types[f.Type.Name()]; on.IsCompositeType() {
				queue = append(queue, place{on, path})
			}
		}
	}
	return list
}

// document selects the field at the end of a path, with an argument.
func document(schema *ast.Schema, path []*ast.FieldDefinition, argument string) string {
	text := "query("
	if slices.Contains(schema.Mutation.Fields, path[0]) {
		text = "mutation("
	}
	for i, f := range path {
		var given []string
		for _, a := range f.Arguments {
			if i == len(path)-1 && strings.HasPrefix(argument, a.Name+":") {
				given = append(given, argument)
			} else if a.Type.NonNull && a.DefaultValue == nil {
				given = append(given, a.Name+": "+literal(schema, a.Type, ""))
			}
		}
		text += "{ " + f.Name
		if len(given) > 0 {
			text += "(" + strings.Join(given, ", ") + ")"
		}
	}
	if schema.Types[path[len(path)-1].Type.Name()].IsCompositeType() {
		text += " { __typename }"
	}
	return strings.Replace(text, "({", "( {", 1) + strings.Repeat(" }", len(path))
}

// literal is a value of a type, with one field of it given.
func literal(schema *ast.Schema, t *ast.Type, with string) string {
	d := schema.Types[t.Name()]
	switch {
	case t.Elem != nil:
		return "[" + literal(schema, t.Elem, with) + "]"
	case d.Kind == ast.Enum:
		return d.EnumValues[0].Name
	case d.Kind == ast.InputObject:
		var fields []string
		if with != "" {
			fields = []string{with}
		}
		for _, f := range d.Fields {
			if f.Type.NonNull && f.DefaultValue == nil && !strings.HasPrefix(with, f.Name+":") {
				fields = append(fields, f.Name+": "+literal(schema, f.Type, ""))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case t.Name() == "Int":
		return "1"
	case t.Name() == "Boolean":
		return "true"
	case t.Name() == "Time":
		return `"2025-01-01T00:00:00Z"`
	}
	return `"x"`
}

// What is wrong with a request is said in a sentence, which names the place and what would be accepted.
func TestWhatIsWrongWithARequest(t *testing.T) {
	t.Parallel()
	a := start(t)
	long := strings.Repeat("x", 1<<20)
	for _, c := range []struct{ body, want string }{
		{
			`{"query":"query($n: Int!) { scenarios(first: $n) { totalCount } }","variables":{"n":5.5}}`,
			"$n is 5.5; give a whole number of 32 bits.",
		},
		{
			`{"query":"query($n: Int!) { scenarios(first: $n) { totalCount } }","variables":{"n":"5"}}`,
			`$n is "5"; give a whole number of 32 bits.`,
		},
		{
			`{"query":"query($n: Int!) { scenarios(first: $n) { totalCount } }","variables":{"n":4294967296}}`,
			"$n is 4294967296; give a whole number of 32 bits.",
		},
		{
			`{"query":"query($n: Int!) { scenarios(first: $n) { totalCount } }"}`,
			"$n is missing; give a whole number of 32 bits in the variables.",
		},
		{
			`{"query":"query($id: ID!) { scenario(id: $id) { key } }","variables":{"id":null}}`,
			"$id is null; give an id or a key, as a text.",
		},
		{
			`{"query":"query($id: ID!) { scenario(id: $id) { key } }","variables":{"id":1.5}}`,
			"$id is 1.5; give an id or a key, as a text.",
		},
		{
			`{"query":"query($f: ScenarioFilter) { scenarios(filter: $f) { totalCount } }","variables":{"f":{"x":1}}}`,
			`$f has no field "x"; the fields of ScenarioFilter are `,
		},
		{
			`{"query":"query($f: ScenarioFilter) { scenarios(filter: $f) { totalCount } }","variables":{"f":7}}`,
			"$f is 7; give an object (ScenarioFilter).",
		},
		{
			`{"query":"query($f: PositionFilter) { positions(filter: $f) { totalCount } }","variables":{"f":{"stances":["supports"]}}}`,
			`$f.stances.0 is "supports"; give one of STRONGLY_OPPOSES, `,
		},
		{
			`{"query":"mutation($i: RegisterSourceInput!) { registerSource(input: $i) { cursor } }","variables":{"i":{"key":"k"}}}`,
			"$i.title is missing; give a text.",
		},
		{
			`{"query":"query A { lens { cursor } } query B { lens { cursor } }"}`,
			"The document has 2 operations (A, B); say by operationName which one is meant.",
		},
		{
			`{"query":"query A { lens { cursor } } query B { lens { cursor } }","operationName":"C"}`,
			`The document has no operation "C"; operationName is one of A, B.`,
		},
		{
			`[{"query":"{ lens { cursor } }"}]`,
			"The request is of the JSON type array; send one operation, as an object with query, and variables",
		},
		{
			`{"query":7}`,
			"In the request, query is of the JSON type number; send a text.",
		},
		{
			`{"query":"{ lens { cursor } }","variables":[]}`,
			"In the request, variables is of the JSON type array; send an object.",
		},
		{
			`{"query":"{ lens { cursor } }"} {}`,
			"The request goes on after the operation; send one object with query.",
		},
		{
			`{"query":"{ lens`,
			"The request ends before its JSON does; send an object with query.",
		},
		{
			`{"query" "x"}`,
			"The request can't be read, since it is not JSON from byte 10 on",
		},
		{
			`{"query":"query($f: PositionFilter) { positions(filter: $f) { totalCount } }","variables":{"f":{"stances":["` + long + `"]}}}`,
			"$f.stances.0 is",
		},
		{
			`{"query":"{ scenario(id: \"` + long + `\") { key } ` + long + ` }"}`,
			"Cannot query field",
		},
		{
			`{"query":"{ positions(filter: {holders: [\"` + long + `\"]}) { totalCount } }"}`,
			"holders: Nothing is known as",
		},
		{
			`{"query":"mutation { retract(input: {id: \"` + long + `\", note: \"n\"}) { userErrors { message } } }"}`,
			"Nothing is known as",
		},
	} {
		response, text := a.Send("POST", server.GraphQLPath, asJSON, strings.NewReader(c.body))
		var quoted strings.Builder
		json.NewEncoder(&quoted).Encode(c.want)
		if !strings.Contains(text, strings.Trim(strings.TrimSpace(quoted.String()), `"`)) || len(text) > 10_000 {
			t.Errorf("%.200s is answered with %d %.500s", c.body, response.StatusCode, text)
		}
	}
	// Whole numbers may be written with a fraction of zero, and what is not declared is ignored.
	a.Post("application/json", `{"query":"query($n: Int!) { scenarios(first: $n) { totalCount } }","variables":{"n":5.0, "more": [1]}}`).Want("scenarios.totalCount", 0)
	// At most twenty errors.
	if errs := a.Ask("{ " + strings.Repeat("a b c ", 20) + "}").Errs; len(errs) != 20 {
		t.Errorf("there are %d errors", len(errs))
	}
	refused := a.Ask(`mutation { recordPosition(input: {holder: "a", scenario: "b", stance: SUPPORTS,
		evidence: ["` + strings.Repeat(`x", "`, 99) + `x"]}) { userErrors { message } } }`)
	if n := refused.Count("recordPosition.userErrors"); n != 20 {
		t.Errorf("there are %d user errors", n)
	}
}

// Names, titles and the like are one line that can be seen and does not reach beyond its end; prose has lines.
func TestTextsOfOneLine(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	line := "talks/line"
	forms := map[string]string{ // by the field, each with {x} in the place of its text
		"title":       `editNegotiation(input: {negotiation: "talks", title: {x}})`,
		"scenario":    `editScenario(input: {scenario: "` + line + `", title: {x}})`,
		"name":        `registerStakeholder(input: {key: "k", kind: STATE, name: {x}})`,
		"aliases.1":   `editStakeholder(input: {stakeholder: "north", aliases: ["Nord", {x}]})`,
		"publisher":   `editSource(input: {source: "gazette", publisher: {x}})`,
		"author":      `editSource(input: {source: "gazette", author: {x}})`,
		"office":      `affiliate(input: {person: "envoy", organization: "north", office: {x}})`,
		"location":    `recordEvent(input: {negotiation: "talks", key: "e", kind: MEETING, title: "M", startedAt: "2025-01-01T00:00:00Z", location: {x}})`,
		"description": `recordStatement(input: {statement: {source: "gazette", form: REPORTED, text: "t", terms: ON_BACKGROUND, speakerDescription: {x}}})`,
		"translator":  `recordStatement(input: {statement: {source: "gazette", form: REPORTED, text: "t", translation: "t", translatedBy: {x}}})`,
	}
	before := a.Changes()
	for field, form := range forms {
		for text, says := range map[string]string{
			`A\u001b[31m`:     "U+001B as character 2",
			`A\u0007`:         "U+0007",
			`A\u0000`:         "U+0000",
			`two\nlines`:      "U+000A as character 4, which breaks the line",
			`two\u2028lines`:  "U+2028",
			`A \u202egnp.exe`: "U+202E as character 3, which changes the direction",
			`A \u2066x`:       "U+2066",
			`\u200b\u2060`:    "nothing that can be seen",
			`\u3164`:          "nothing that can be seen",
			` `:               "empty",
			` A`:              "begins or ends with a space",
			`A\u00a0`:         "begins or ends with a space",
			`A\u200b`:         "begins or ends with a space",
		} {
			got := a.Ask("mutation { m: " + strings.Replace(form, "{x}", `"`+text+`"`, 1) + ` { userErrors { code message field } } }`)
			if len(got.Errs) > 0 || got.Count("m.userErrors") != 1 || !strings.Contains(got.Text("m.userErrors.0.message"), says) {
				t.Errorf("%s %s is answered with %v %v", field, text, got.Data, got.Errs)
			}
		}
	}
	a.Ask(`mutation { editStakeholder(input: {stakeholder: "north", aliases: ["Nord", "Nord"]}) { userErrors { code message field } } }`).
		Refused("INVALID aliases.1", `"Nord"`, "twice")
	a.Ask(`mutation { retract(input: {id: "talks/line", note: "a\u001bb"}) { userErrors { code message field } } }`).Refused("INVALID note", "U+001B")
	if a.Changes() != before {
		t.Error("one of them was recorded")
	}
	for _, text := range []string{"Київ", "میان\u200cرودان", "שלום\u200f!", "O’Brien & Söhne – No. 5", "👩\u200d🚀"} {
		a.Must(`mutation($x: String!) { editStakeholder(input: {stakeholder: "north", name: $x}) { userErrors { code message field } } }`, map[string]any{"x": text})
	}
	a.Must(`mutation { editNegotiation(input: {negotiation: "talks", summary: "one\n\ttwo\r\nthree \u202bfour\u202c"}) { userErrors { code message field } } }`)
	err := a.TryLoad("set", "dataset: d\nstakeholders: [{key: x, name: \"A\\u202eB\", kind: STATE}]\n")
	if err == nil || !strings.Contains(err.Error(), "set:2: Name has U+202E") {
		t.Errorf("in a data set: %v", err)
	}
	// Archives may have them from earlier; neither a briefing nor a table lets them out.
	a.SQL(`ALTER TABLE negotiations DISABLE TRIGGER ALL`)
	a.SQL(`UPDATE negotiations SET title = E'Talks \u202egnp.exe \u001b[31m'`)
	a.SQL(`ALTER TABLE negotiations ENABLE TRIGGER ALL`)
	_, briefing := a.Send("GET", "/briefing/talks", nil, nil)
	if !strings.HasPrefix(briefing, "# Talks gnp.exe \\[31m\n") {
		t.Errorf("the briefing begins with %.60q", briefing)
	}
}

// Codes and addresses are those that somebody has given out.
func TestCodesAndAddresses(t *testing.T) {
	t.Parallel()
	a := withTalks(t)
	for code, accepted := range map[string]bool{"GB": true, "UA": true, "XK": true, "PS": true, "TW": true, "AX": true, "UK": false, "ZZ": false, "XX": false, "EU": false,
		"UN": false, "SU": false, "DD": false, "ua": false, "UKR": false, "": false} {
		got := a.Ask(`mutation { editStakeholder(input: {stakeholder: "north", countryCode: "` + code + `"}) { userErrors { code message field } } }`)
		if accepted != (got.Count("editStakeholder.userErrors") == 0) {
			t.Errorf("%q: %v", code, got.Data)
		}
	}
	for tag, accepted := range map[string]bool{"en": true, "uk-UA": true, "zh-Hant-TW": true, "prs": true, "ar-001": true,
		"english": false, "xx": false, "en_US": false, "a": false, "en-": false} {
		got := a.Ask(`mutation { editSource(input: {source: "gazette", language: "` + tag + `"}) { userErrors { code message field } } }`)
		if accepted != (got.Count("editSource.userErrors") == 0) {
			t.Errorf("%q: %v", tag, got.Data)
		}
	}
	for address, accepted := range map[string]bool{"https://example.org/a?b=c#d": true, "http://пример.example/ключ": true,
		"https://example.org/a b": false, `https://example.org/a\tb`: false,
		`https://example.org/\u202ea`: false, "ftp://example.org/": false, "https:///a": false, "example.org": false} {
		got := a.Ask(`mutation { editSource(input: {source: "gazette", url: "` + address + `"}) { userErrors { code message field } } }`)
		if accepted != (got.Count("editSource.userErrors") == 0) {
			t.Errorf("%q: %v", address, got.Data)
		}
	}
	for set, says := range map[string]string{
		"stakeholders: [{key: x, name: X, kind: STATE, aliases: [null]}]":                                                    "set:2: An entry of aliases must be a text; this is null.",
		"stakeholders: [{key: x, name: !!binary aGVsbG8=, kind: STATE}]":                                                     "set:2: The tag !!binary is not read",
		"stakeholders: [{key: x, name: !secret y, kind: STATE}]":                                                             "set:2: The tag !secret is not read",
		"negotiations: [{key: n, title: N, participations: [{stakeholder: north, role: PRIMARY_PARTY, capability: \"5\"}]}]": `set:2: capability: "5" is a text`,
		"negotiations: [{key: n, title: N, participations: [{stakeholder: north, role: PRIMARY_PARTY, capability: 1.5}]}]":   `set:2: capability: "1.5" is not a whole number`,
	} {
		if err := a.TryLoad("set", "dataset: d\n"+set+"\n"); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%s: %v", set, err)
		}
	}
	for _, path := range []string{"/briefing/%ff", "/tables/%ff/positions.csv", "/briefing/a%00"} {
		if response, text := a.Send("GET", path, nil, nil); response.StatusCode != http.StatusNotFound || !strings.Contains(text, "is known as") {
			t.Errorf("%s is answered with %d %s", path, response.StatusCode, text)
		}
	}
}
