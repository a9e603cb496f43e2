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

// CanonicalScheme is the number of the form that Canonicalize uses. A change of the form needs a new number, because
// fingerprints of different schemes can't be compared. (Scheme 1 was a hash over the names of Go types.)
const CanonicalScheme = 2

// Canonical is the canonical form of a mutation's input: the operation, and the input's fields by their API names. The
// same content always has the same form, whatever Go types are called and whatever fields they get later. Fields that
// are null, empty or have their default are left out.
type Canonical struct {
	Operation string
	Fields    map[string]any
	defaults  map[string]string // of every field that the input has
}

// Fingerprint identifies the content of an input. Two inputs of one scheme have the same content if their fingerprints
// are equal.
type Fingerprint struct {
	Scheme int
	Hash   []byte // SHA-256
}

// Canonicalize returns the canonical form of an input. Tags on the input's struct repeat what the schema says:
// `api:"ref"` is a reference to a record, which is replaced by the result of record, and `api:"default=X"` has the
// default X. The input's own id is left out.
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

// Bytes returns the canonical form as bytes: the scheme, the operation, and the fields as JSON in the order of their
// names. Instants are in UTC with six fractional digits, and ids in lower case.
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

// Fingerprint returns the hash of the canonical form.
func (c Canonical) Fingerprint() Fingerprint {
	sum := sha256.Sum256(c.Bytes())
	return Fingerprint{Scheme: CanonicalScheme, Hash: sum[:]}
}

// AgreesWith reports whether a record, given by its API fields, has the content of the input. Fields that only one of
// the two has are not compared. The record may have more evidence, and an instant that the input leaves out matches
// any.
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

// RefsIn returns the references to records in an input.
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
		v := in.FieldByIndex(f.Index)
		value := canonicalValue(v, isRef(f), record)
		if hasTag(f, "null") && value == nil && !v.IsNil() {
			value = []any{}
		}
		if value != nil && value != defaultOf(f) {
			fields[apiName(f.Name)] = value
		}
	}
	return fields
}

// canonicalValue returns the canonical form of a value, nil if the value is null or empty.
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

func hasTag(f reflect.StructField, tag string) bool {
	return slices.Contains(strings.Fields(f.Tag.Get(apiTag)), tag)
}

func isRef(f reflect.StructField) bool { return hasTag(f, "ref") }

func defaultOf(f reflect.StructField) string {
	value, _ := strings.CutPrefix(f.Tag.Get(apiTag), "default=")
	if isRef(f) {
		return ""
	}
	return value
}

// apiName returns the API's name of a field: url for URL, effectiveAt for EffectiveAt.
func apiName(goName string) string {
	if strings.ToUpper(goName) == goName {
		return strings.ToLower(goName)
	}
	first := []rune(goName)
	first[0] = unicode.ToLower(first[0])
	return string(first)
}
