package dataset_test

import (
	"fmt"
	"strings"
	"testing"

	"example.org/parley/dataset"
)

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]struct {
		text string
		says []string
	}{
		"an empty file":  {"", []string{"set.yaml:1: The file is empty … `dataset: my-negotiation`"}},
		"only a comment": {"# nothing\n", []string{"set.yaml:1: The file is empty"}},
		"broken YAML": {
			"dataset: x\nsources: [\n",
			[]string{"set.yaml:2: The file is neither YAML nor JSON: "},
		},
		"a tab in front": {
			"dataset: x\nsources:\n\t- key: a\n",
			[]string{"set.yaml:3: The file is neither YAML nor JSON: "},
		},
		"broken JSON": {
			"{\n\"dataset\": \"x\",\n\"sources\": [\n",
			[]string{"set.yaml:3: The file is neither YAML nor JSON: did not"},
		},
		"an unknown anchor": {
			"dataset: *x\n",
			[]string{"set.yaml:1: The file is neither YAML nor JSON: unknown anchor"},
		},
		"a control character": {"dataset: \x01\n", []string{"set.yaml:1: The file is neither YAML nor JSON: "}},
		"bytes that are not text": {
			"dataset: \xff\xfe\n",
			[]string{"set.yaml:1: The file is neither YAML nor JSON: "},
		},
		"a list": {
			"- dataset: x\n",
			[]string{"set.yaml:1: Each data set must be a set of fields, such as {key: …}; this is a list."},
		},
		"a text": {
			"hello\n",
			[]string{`set.yaml:1: Each data set must be a set of fields, such as {key: …}; this is "hello".`},
		},
		"a JSON text": {
			`"hello"`,
			[]string{`set.yaml:1: Each data set must be a set of fields, such as {key: …}; this is "hello".`},
		},
		"a second document": {
			"dataset: x\n---\ndataset: y\n",
			[]string{"set.yaml:2: A second document begins here … into another file"},
		},
		"broken YAML further down": {
			"dataset: x\n---\n[\n",
			[]string{"set.yaml:3: The file is neither YAML nor JSON: "},
		},
		"no name":       {"sources: []\n", []string{"set.yaml:1: This data set lacks dataset."}},
		"an empty name": {"sources: []\ndataset: \"\"\n", []string{"set.yaml:2: dataset is empty"}},
		"a name that is a list": {
			"dataset: [x]\n",
			[]string{"set.yaml:1: dataset must be a single value, not a list or a set of fields."},
		},
		"an unknown section": {
			"dataset: x\nsauces: []\n",
			[]string{
				`set.yaml:2: This data set has no field "sauces"; its fields are affiliations, dataset, ` +
					`memberships, negotiations, recordedAt, sources, stakeholders, statements.`,
			},
		},
		"an unknown field": {
			"dataset: x\nstakeholders:\n  - {key: a,\n     nmae: A}\n",
			[]string{
				`set.yaml:4: This stakeholder has no field "nmae"; its fields are aliases, countryCode, key, kind, ` +
					`name.`,
			},
		},
		"an unknown field of JSON": {
			"{\"dataset\": \"x\",\n \"stakeholders\": [\n  {\"key\": \"a\",\n   \"nmae\": \"A\"}]}",
			[]string{
				`set.yaml:4: This stakeholder has no field "nmae"; its fields are aliases, countryCode, key, kind, ` +
					`name.`,
			},
		},
		"a wrong word": {
			"dataset: x\nstakeholders:\n  - key: a\n    kind: KINGDOM\n",
			[]string{`set.yaml:4: kind: "KINGDOM" is not one of … STATE … PERSON`},
		},
		"a wrong word of JSON": {
			"{\"dataset\": \"x\",\n \"stakeholders\": [\n  {\"key\": \"a\",\n\n   \"kind\": \"KINGDOM\"}]}",
			[]string{`set.yaml:5: kind: "KINGDOM" is not one of … STATE … PERSON`},
		},
		"no key": {
			"dataset: x\nsources:\n  - title: A\n  - key: ~\n  - {key: \"\"}\n",
			[]string{
				"set.yaml:3: This source lacks key.",
				"set.yaml:4: This source lacks key.",
				"set.yaml:5: key is empty",
			},
		},
		"a field twice": {
			"dataset: x\nsources:\n  - key: a\n    title: A\n    title: B\n",
			[]string{"set.yaml:5: The field title occurs twice in this source; keep one."},
		},
		"a field twice in JSON": {
			"{\"dataset\": \"x\",\n\"dataset\": \"y\"}",
			[]string{"set.yaml:2: The field dataset occurs twice in this data set; keep one."},
		},
		"a key twice": {
			"dataset: x\nsources:\n  - {key: a}\n  - {key: b}\n  - {key: a}\n",
			[]string{
				"set.yaml:5: This source is already in line 3; a key may occur once in a file, so keep one or " +
					"choose another key.",
			},
		},
		"an office twice": {
			"dataset: x\naffiliations:\n  - {person: a, organization: b}\n" +
				"  - {person: a, organization: b, validTo: 2020-01-01}\n",
			[]string{"set.yaml:4: This affiliation is already in line 3; … give one of them a key to tell them apart"},
		},
		"a list for a value": {
			"dataset: x\nsources:\n  - {key: a, title: [A, B]}\n",
			[]string{"set.yaml:3: title must be a single value, not a list or a set of fields."},
		},
		"fields for a value": {
			"dataset: x\nsources:\n  - key: a\n    title:\n      en: A\n",
			[]string{"set.yaml:5: title must be a single value, not a list or a set of fields."},
		},
		"a value for a list": {
			"dataset: x\nstakeholders:\n  - {key: a, aliases: b}\n",
			[]string{`set.yaml:3: aliases must be a list, such as [a, b]; this is "b".`},
		},
		"a list in a list": {
			"dataset: x\nstakeholders:\n  - {key: a, aliases: [[b]]}\n",
			[]string{"set.yaml:3: An entry of aliases must be a text; this is a list."},
		},
		"fields for a list": {
			"dataset: x\nsources:\n  a: {title: A}\n",
			[]string{"set.yaml:3: sources must be a list whose entries begin with a dash; this is a set of fields."},
		},
		"a value for an item": {
			"dataset: x\nsources:\n  - a\n",
			[]string{`set.yaml:3: Each source must be a set of fields, such as {key: …}; this is "a".`},
		},
		"an alias for a value": {
			"dataset: x\nsources:\n  - {key: &k a}\nstatements:\n  - {key: s, source: *k}\n",
			[]string{"set.yaml:5: source is an alias; write the value out."},
		},
		"an alias for an item": {
			"dataset: x\nsources:\n  - &a {key: a}\n  - *a\n",
			[]string{"set.yaml:4: Each source must be a set of fields … this is the alias *a."},
		},
		"an alias in a list": {
			"dataset: x\nstakeholders:\n  - {key: a, aliases: [&b b, *b]}\n",
			[]string{"set.yaml:3: An entry of aliases must be a text; this is the alias *b."},
		},
		"fields merged in": {
			"dataset: x\nsources:\n  - &a {key: a}\n  - {<<: *a}\n",
			[]string{"set.yaml:4: This source lacks key.", `set.yaml:4: This source has no field "<<"`},
		},
		"no instant": {
			"dataset: x\nsources:\n  - {key: a, publishedAt: yesterday}\n",
			[]string{`set.yaml:3: publishedAt: … "yesterday" … or a date such as 2025-08-15`},
		},
		"a day that does not exist": {
			"dataset: x\nsources:\n  - {key: a, publishedAt: 2025-02-30}\n",
			[]string{"set.yaml:3: publishedAt: … 2025-02-30"},
		},
		"no zone": {
			"dataset: x\nsources:\n  - {key: a, publishedAt: 2025-08-15 10:00:00}\n",
			[]string{"set.yaml:3: publishedAt: … 2025-08-15 10:00:00"},
		},
		"the year zero": {
			"dataset: x\nsources:\n  - {key: a, publishedAt: 0000-06-01}\n",
			[]string{"set.yaml:3: publishedAt: "},
		},
		"neither true nor false": {
			"dataset: x\naffiliations:\n  - {person: a, organization: b, speaksFor: yes}\n",
			[]string{`set.yaml:3: speaksFor: "yes" is neither true nor false.`},
		},
		"no number": {
			"dataset: x\nnegotiations:\n  - key: n\n    participations: [{stakeholder: a, role: MEDIATOR, " +
				"capability: 70%}]\n",
			[]string{`set.yaml:4: capability: "70%" is not a whole number.`},
		},
		"an event without a start": {
			"dataset: x\nnegotiations:\n  - key: n\n    events: [{key: e}]\n",
			[]string{"set.yaml:4: This event lacks startedAt."},
		},
		"an empty status": {
			scenario + "            statuses: [{}]\n",
			[]string{"set.yaml:8: This status lacks to.", "set.yaml:8: This status lacks effectiveAt."},
		},
		"a position without stance": {
			scenario + "            positions: [{holder: a}]\n",
			[]string{"set.yaml:8: This position lacks stance.", "set.yaml:8: This position lacks validFrom."},
		},
		"an unknown role": {
			"dataset: x\nnegotiations:\n  - key: n\n    participations: [{stakeholder: a, role: CHEF}]\n",
			[]string{`set.yaml:4: role: "CHEF" is not one of … MEDIATOR`},
		},
		"a relation without a kind": {
			"dataset: x\nnegotiations:\n  - key: n\n    relations: [{from: a, to: b}]\n",
			[]string{"set.yaml:4: This relation lacks kind."},
		},
		"two positions at once": {scenario + "            positions:\n              - {holder: a, stance: SUPPORTS, " +
			"validFrom: 2025-01-01}\n              - {holder: a, stance: OPPOSES, validFrom: 2025-01-01T00:00:00Z}\n",
			[]string{"set.yaml:10: This position is already in line 9"}},
		"everything at once": {"dataset: x\nsauces: 1\nstatements:\n  - {key: s, form: SUNG}\nsources:\n" +
			"  - {titel: A}\nstakeholders: none\n", []string{
			`set.yaml:2: This data set has no field "sauces"`,
			`set.yaml:4: This statement lacks source.`,
			`set.yaml:4: form: "SUNG" is not one of`,
			`set.yaml:6: This source lacks key.`,
			`set.yaml:6: This source has no field "titel"`,
			`set.yaml:7: stakeholders must be a list`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := dataset.Read("set.yaml", []byte(refused.text))
			sayLines(t, err, refused.says...)
		})
	}
}

const scenario = `dataset: x
negotiations:
  - key: n
    issues:
      - key: i
        scenarios:
          - key: s
`

func TestReadReportsTwentyErrors(t *testing.T) {
	t.Parallel()
	text := "dataset: x\nsources:\n" + strings.Repeat("  - {title: A}\n", 30)
	_, err := dataset.Read("set.yaml", []byte(text))
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprintf("set.yaml:%d: This source lacks key.", 3+i))
	}
	sayLines(t, err, append(want, "set.yaml: and 10 more")...)
}

func TestReadBoundsFacts(t *testing.T) {
	t.Parallel()
	text := func(facts int) []byte {
		var b strings.Builder
		b.WriteString("dataset: x\nstakeholders:\n")
		for i := range facts {
			fmt.Fprintf(&b, "- {key: k%d}\n", i)
		}
		return []byte(b.String())
	}
	set, err := dataset.Read("set.yaml", text(dataset.MaxFacts))
	if err != nil || set.Facts() != dataset.MaxFacts {
		t.Errorf("%d facts: %v", dataset.MaxFacts, err)
	}
	_, err = dataset.Read("set.yaml", text(dataset.MaxFacts+1))
	sayLines(t, err, "set.yaml:1: The file states 20001 facts; at most 20000 are imported at once, so split it.")
}

func TestReadAccepts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"YAML":                      talks,
		"no facts":                  "dataset: x\n",
		"empty sections":            "dataset: x\nsources:\nstatements: []\n",
		"a byte order mark":         "\ufeffdataset: x\n",
		"explicit document markers": "---\ndataset: x\n...\n",
		"YAML that looks like JSON": `{dataset: x, sources: [{key: a, title: "A"}]}
`,
		"Windows line endings": "dataset: x\r\nsources:\r\n  - key: a\r\n    title: A\r\n",
		"JSON": `{"dataset": "x", "sources": [{"key": "a", "body": "\ud83d\ude00 \/ ` +
			`\u007f", "publishedAt": null}]}`,
		"JSON with booleans": "{\"dataset\": \"x\", \"affiliations\": [{\"person\": \"a\", " +
			"\"organization\": \"b\", \"speaksFor\": true}]}\n",
		"an unused anchor": "dataset: &a x\n",
		"years at the bounds": "dataset: x\nsources:\n  - {key: a, publishedAt: 0001-01-01, " +
			"retrievedAt: 9999-12-31}\n",
		"a text that looks like another type": "dataset: 2025\nstakeholders:\n" +
			"  - {key: a, name: 12, countryCode: NO}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read(t, text)
		})
	}
}
