package rows

import (
	"strings"
	"sync"
	"sync/atomic"
)

// Fields are the fields that a document selects of a record, by their names in the API, each with the fields selected
// beneath it. Nil selects everything. A document that comes again brings the same Fields, so they keep the statements
// that were made for them.
type Fields struct {
	beneath map[string]*Fields
	made    sync.Map
	count   atomic.Int32
}

// maxMade bounds the statements kept with the fields of one document: filters and pages make statements of their own.
const maxMade = 32

// everyField keeps the statements for nil Fields. Only our own code asks for everything, so their number is bounded.
var everyField Fields

// NewFields selects fields. An empty map selects a record's identity only.
func NewFields(beneath map[string]*Fields) *Fields { return &Fields{beneath: beneath} }

// Has says whether any of the fields is selected.
func (f *Fields) Has(names ...string) bool {
	if f == nil {
		return true
	}
	for _, name := range names {
		if _, ok := f.beneath[name]; ok {
			return true
		}
	}
	return false
}

// Under are the fields selected beneath a selected field.
func (f *Fields) Under(name string) *Fields {
	if f == nil {
		return nil
	}
	return f.beneath[name]
}

// Only are the fields beneath a field that may not be selected: none then, and everything where everything is selected.
func (f *Fields) Only(name string) *Fields {
	if f == nil {
		return nil
	}
	if f.beneath[name] == nil {
		return &Fields{}
	}
	return f.beneath[name]
}

// Nodes are the fields selected of the nodes of a list, directly or in its edges.
func (f *Fields) Nodes() *Fields {
	if f == nil {
		return nil
	}
	return keep(f, "nodes", func() *Fields { return f.Only("nodes").Merged(f.Only("edges").Only("node")) })
}

// And selects more fields.
func (f *Fields) And(names ...string) *Fields {
	more := make(map[string]*Fields)
	for _, name := range names {
		if !f.Has(name) {
			more[name] = &Fields{}
		}
	}
	if len(more) == 0 {
		return f
	}
	return keep(f, "and "+strings.Join(names, " "), func() *Fields { return f.Merged(NewFields(more)) })
}

// Merged are the fields of both.
func (f *Fields) Merged(other *Fields) *Fields {
	both := make(map[string]*Fields)
	for _, one := range []*Fields{f, other} {
		if one == nil {
			continue
		}
		for name, beneath := range one.beneath {
			if known, ok := both[name]; ok {
				beneath = known.Merged(beneath)
			}
			both[name] = beneath
		}
	}
	return NewFields(both)
}

// keep returns what was made for the fields under a key, or makes it.
func keep[V any](f *Fields, key any, build func() V) V {
	if f == nil {
		f = &everyField
	}
	if known, ok := f.made.Load(key); ok {
		return known.(V)
	}
	v := build()
	if f == &everyField || f.count.Add(1) <= maxMade {
		f.made.Store(key, v)
	}
	return v
}
