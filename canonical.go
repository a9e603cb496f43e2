package parley

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"
)

// CanonicalScheme numbers the form in which Canonicalize writes an input down. Whoever changes the form gives it another
// number: fingerprints of other schemes can't be compared. (Scheme 1 was a hash over the names of Go's types.)
const CanonicalScheme = 2

// Canonical is what was asked of an operation, written down so that the same content always reads the same, whatever the
// Go types are called and whichever fields they come to have: the operation and its input's fields as the API names them,
// those left out that are null, empty or have their default.
type Canonical struct {
	Operation string
	Fields    map[string]any
	defaults  map[string]string // of every field that the input has
}

// Fingerprint tells whether two requests say the same.
type Fingerprint struct {
	Scheme int
	Hash   []byte // SHA-256
}

// Canonicalize writes an input down. An input's struct says by tags what the schema says of its fields: `api:"ref"` is a
// reference to a record, which is reduced to what record makes of it, and `api:"default=X"` has the default X. The input's
// own id is left out.
func Canonicalize(operation string, input any, record func(ref string) string) Canonical {
	c := Canonical{Operation: operation, defaults: make(map[string]string)}
	in := reflect.ValueOf(input)
	for _, f := range reflect.VisibleFields(in.Type()) {
		c.defaults[apiName(f.Name)] = defaultOf(f)
	}
	c.Fields = canonicalFields(in, record)
	delete(c.Fields, "id")
	delete(c.defaults, "id")
	return c
}

// Bytes are the canonical form: the scheme, the operation, and the fields as JSON in the order of their names. Instants are
// in UTC with six digits of a second, ids in lower case.
func (c Canonical) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "parley %d\n%s\n", CanonicalScheme, c.Operation)
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c.Fields); err != nil {
		panic(err) // canonicalValue makes nothing that can't be written
	}
	return b.Bytes()
}

// Fingerprint is the hash of the canonical form.
func (c Canonical) Fingerprint() Fingerprint {
	sum := sha256.Sum256(c.Bytes())
	return Fingerprint{Scheme: CanonicalScheme, Hash: sum[:]}
}

// AgreesWith says whether a record, given by its fields as the API names them, says what was asked for. Fields that only one
// of the two has are not compared. A record may rest on more evidence, and an instant that was left out may be any.
func (c Canonical) AgreesWith(record map[string]any) bool {
	for name, byDefault := range c.defaults {
		value, kept := record[name]
		if !kept {
			continue
		}
		asked, recorded := c.Fields[name], canonicalValue(reflect.ValueOf(value), false, nil)
		if recorded == byDefault {
			recorded = nil
		}
		switch {
		case asked == nil && isInstant(value):
		case name == "evidence":
			list, _ := recorded.([]any)
			wanted, _ := asked.([]any)
			if slices.ContainsFunc(wanted, func(id any) bool { return !slices.Contains(list, id) }) {
				return false
			}
		case !reflect.DeepEqual(asked, recorded):
			return false
		}
	}
	return true
}

func isInstant(value any) bool {
	switch value.(type) {
	case Instant, *Instant:
		return true
	}
	return false
}

// RefsIn are the references to records in an input.
func RefsIn(input any) []string {
	var refs []string
	canonicalFields(reflect.ValueOf(input), func(ref string) string {
		refs = append(refs, ref)
		return ref
	})
	return refs
}

func canonicalFields(in reflect.Value, record func(string) string) map[string]any {
	fields := make(map[string]any)
	for _, f := range reflect.VisibleFields(in.Type()) {
		value := canonicalValue(in.FieldByIndex(f.Index), isRef(f), record)
		if value != nil && value != defaultOf(f) {
			fields[apiName(f.Name)] = value
		}
	}
	return fields
}

// canonicalValue is nil for what is null or empty.
func canonicalValue(v reflect.Value, ref bool, record func(string) string) any {
	if !v.IsValid() || v.IsZero() {
		return nil
	}
	switch value := v.Interface().(type) {
	case Instant:
		return FormatInstant(value)
	case uuid.UUID:
		return value.String()
	}
	switch v.Kind() {
	case reflect.Pointer:
		if elem := v.Elem(); elem.Kind() == reflect.Bool || elem.CanInt() {
			return canonicalScalar(elem) // null and zero are two things
		}
		return canonicalValue(v.Elem(), ref, record)
	case reflect.Slice:
		if v.Len() == 0 {
			return nil
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = canonicalValue(v.Index(i), ref, record)
		}
		return list
	case reflect.Struct:
		return canonicalFields(v, record)
	case reflect.String:
		if ref {
			return record(v.String())
		}
	}
	return canonicalScalar(v)
}

func canonicalScalar(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String:
		return v.String()
	}
	return v.Int()
}

const apiTag = "api"

func isRef(f reflect.StructField) bool { return f.Tag.Get(apiTag) == "ref" }

func defaultOf(f reflect.StructField) string {
	value, _ := strings.CutPrefix(f.Tag.Get(apiTag), "default=")
	if isRef(f) {
		return ""
	}
	return value
}

// apiName is the name that the API has for a field: URL is url, EffectiveAt is effectiveAt.
func apiName(goName string) string {
	if strings.ToUpper(goName) == goName {
		return strings.ToLower(goName)
	}
	first := []rune(goName)
	first[0] = unicode.ToLower(first[0])
	return string(first)
}
