package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"example.org/parley"
)

// document is a data set's file while it is read. Errors are collected, so that one run reports all of them.
type document struct {
	name  string
	wrong []wrong
}

type wrong struct {
	line     int
	sentence string
}

// maxWrong is how many errors are reported at once.
const maxWrong = 20

func (d *document) refuse(line int, format string, args ...any) {
	d.wrong = append(d.wrong, wrong{line, fmt.Sprintf(format, args...)})
}

// err returns the errors in the order of the file; nil if there are none.
func (d *document) err() error {
	slices.SortStableFunc(d.wrong, func(a, b wrong) int { return a.line - b.line })
	var reported []error
	for _, w := range d.wrong[:min(maxWrong, len(d.wrong))] {
		reported = append(reported, fmt.Errorf("%s:%d: %s", d.name, w.line, w.sentence))
	}
	if more := len(d.wrong) - maxWrong; more > 0 {
		reported = append(reported, fmt.Errorf("%s: and %d more", d.name, more))
	}
	return errors.Join(reported...)
}

// parse reads the text as JSON if it is valid JSON, and else as YAML.
func (d *document) parse(text []byte) *item {
	if json.Valid(text) && utf8.Valid(text) {
		if damage := parley.DamageInJSON(text); damage != nil {
			d.refuse(1+bytes.Count(text[:damage.Offset], []byte("\n")), "%s.", damage)
			return nil
		}
		return d.item(parseJSON(text), "data set")
	}
	var root, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	err := decoder.Decode(&root)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(root.Content) == 0:
		d.refuse(1, "The file is empty; a data set has at least a name: `dataset: my-negotiation`.")
		return nil
	case err == nil:
		err = decoder.Decode(&more)
	}
	switch {
	case err == nil:
		d.refuse(more.Line,
			"A second document begins here; a file holds one data set, so put this one into another file.")
	case !errors.Is(err, io.EOF):
		d.refuse(lineOf(err), "The file is neither YAML nor JSON: %s.",
			lineNumber.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), ""))
		return nil
	}
	d.refuseTags(&root)
	return d.item(root.Content[0], "data set")
}

// refuseTags refuses YAML tags: nobody would read !!binary or !secret as what it stands for.
func (d *document) refuseTags(n *yaml.Node) {
	if n.Style&yaml.TaggedStyle != 0 {
		d.refuse(n.Line, "The tag %s is not read; write the value itself, without a tag.", n.Tag)
	}
	for _, within := range n.Content {
		d.refuseTags(within)
	}
}

var lineNumber = regexp.MustCompile(`line (\d+): `)

func lineOf(err error) int {
	if m := lineNumber.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 1
}

// item is one mapping of the file: a stakeholder, a scenario, a position.
type item struct {
	*document
	line   int
	what   string
	fields map[string]*yaml.Node
	known  []string // the fields that a reader has asked for

	refused bool
}

func (it *item) refuse(line int, format string, args ...any) {
	it.refused = true
	it.document.refuse(line, format, args...)
}

// written describes a value for an error message.
func written(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a set of fields"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "the alias *" + n.Value
	}
	if isNull(n) {
		return "null"
	}
	return strconv.Quote(parley.Clip(n.Value, 100))
}

// item reads a mapping. It returns nil and reports an error if the node is another type.
func (d *document) item(n *yaml.Node, what string) *item {
	if n.Kind != yaml.MappingNode {
		d.refuse(n.Line, "Each %s must be a set of fields, such as {key: …}; this is %s.", what, written(n))
		return nil
	}
	it := &item{document: d, line: n.Line, what: what, fields: make(map[string]*yaml.Node)}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if _, twice := it.fields[key.Value]; twice {
			it.refuse(key.Line, "The field %s occurs twice in this %s; keep one.", key.Value, what)
		}
		it.fields[key.Value] = value
	}
	return it
}

// field returns a field's value, and whether it is given.
func (it *item) field(name string) (*yaml.Node, bool) {
	it.known = append(it.known, name)
	n, given := it.fields[name]
	if given && n.Kind == yaml.AliasNode {
		it.refuse(n.Line, "%s is an alias; write the value out.", name)
		return nil, false
	}
	return n, given
}

// done refuses fields that no reader has asked for.
func (it *item) done() {
	for name, n := range it.fields {
		if !slices.Contains(it.known, name) {
			sort.Strings(it.known)
			it.refuse(n.Line, "This %s has no field %q; its fields are %s.", it.what, name,
				strings.Join(it.known, ", "))
		}
	}
}

// lineOfField returns the line of a field, or of the item if the field is missing.
func (it *item) lineOfField(name string) int {
	if n, ok := it.fields[name]; ok {
		return n.Line
	}
	return it.line
}

// items reads a list of mappings.
func (it *item) items(name, what string) []*item {
	n, given := it.field(name)
	if !given || isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		it.refuse(n.Line, "%s must be a list whose entries begin with a dash; this is %s.", name, written(n))
		return nil
	}
	var list []*item
	for _, entry := range n.Content {
		if read := it.item(entry, what); read != nil {
			list = append(list, read)
		}
	}
	return list
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// value parses a field's text. The patch tells a missing field from null.
func value[T any](it *item, name string, parse func(string) (T, error)) parley.Patch[T] {
	n, given := it.field(name)
	switch {
	case !given:
		return parley.Patch[T]{}
	case isNull(n):
		return parley.Patch[T]{Set: true}
	case n.Kind != yaml.ScalarNode:
		it.refuse(n.Line, "%s must be a single value, not a list or a set of fields.", name)
		return parley.Patch[T]{}
	}
	parsed, err := parse(n.Value)
	if err != nil {
		it.refuse(n.Line, "%s: %s.", name, err)
		return parley.Patch[T]{}
	}
	return parley.To(parsed)
}

func text(it *item, name string) parley.Patch[string] {
	return value(it, name, func(s string) (string, error) { return s, nil })
}

// unquoted refuses a value between quotation marks, which is a text.
func unquoted(it *item, name string) {
	if n := it.fields[name]; n != nil && n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		it.refuse(n.Line, "%s: %q is a text; write it without quotation marks.", name, n.Value)
	}
}

func boolean(it *item, name string) parley.Patch[bool] {
	unquoted(it, name)
	return value(it, name, func(s string) (bool, error) {
		if s != "true" && s != "false" {
			return false, fmt.Errorf("%q is neither true nor false", s)
		}
		return s == "true", nil
	})
}

func number(it *item, name string) parley.Patch[int] {
	unquoted(it, name)
	return value(it, name, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", s)
		}
		return n, nil
	})
}

// instant reads an RFC 3339 instant. A date stands for the start of that day in UTC.
func instant(it *item, name string) parley.Patch[parley.Instant] {
	return value(it, name, func(s string) (parley.Instant, error) {
		if _, err := time.Parse(time.DateOnly, s); err == nil {
			s += "T00:00:00Z"
		}
		t, err := parley.ParseInstant(s)
		if err != nil {
			return t, errors.New(strings.TrimSuffix(err.Error(), ".") + ", or a date such as 2025-08-15")
		}
		return t, nil
	})
}

func word[E ~string](it *item, name string, accepted []E) parley.Patch[E] {
	return value(it, name, func(s string) (E, error) {
		if !slices.Contains(accepted, E(s)) {
			return "", fmt.Errorf("%q is not one of %s", s, parley.Listed(accepted))
		}
		return E(s), nil
	})
}

// texts reads a list of texts. null clears it.
func texts(it *item, name string) parley.Patch[[]string] {
	n, given := it.field(name)
	switch {
	case !given:
		return parley.Patch[[]string]{}
	case isNull(n):
		return parley.Patch[[]string]{Set: true}
	case n.Kind != yaml.SequenceNode:
		it.refuse(n.Line, "%s must be a list, such as [a, b]; this is %s.", name, written(n))
		return parley.Patch[[]string]{}
	}
	list := make([]string, len(n.Content))
	for i, entry := range n.Content {
		if entry.Kind != yaml.ScalarNode || isNull(entry) {
			it.refuse(entry.Line, "An entry of %s must be a text; this is %s.", name, written(entry))
		}
		list[i] = entry.Value
	}
	return parley.To(list)
}

// needed reads a text that is required and may not be empty.
func needed(it *item, name string) string {
	p := text(it, name)
	if lacking(it, name); p.Value != nil && *p.Value == "" {
		it.refuse(it.lineOfField(name), "%s is empty; write at least one character.", name)
	}
	return or(p, "")
}

// lacking refuses an item without a required field. A field with a wrong value has already been refused.
func lacking(it *item, name string) {
	if n, given := it.fields[name]; !given || isNull(n) {
		it.refuse(it.line, "This %s lacks %s.", it.what, name)
	}
}

// or returns the value of a patch, or otherwise if it has none.
func or[T any](p parley.Patch[T], otherwise T) T {
	if p.Value == nil {
		return otherwise
	}
	return *p.Value
}
