package storage

import (
	"strings"
	"sync"
	"sync/atomic"
)

// Fields are the fields that are asked for of a record, by the names that they have in the API, with those asked for
// beneath them. Nil asks for everything. A document that comes again brings the same ones, so they keep what was made of
// them: the statements that read them.
type Fields struct {
	beneath map[string]*Fields
	made    sync.Map
	count   atomic.Int32
}

// maxMade bounds what is kept with the fields of one document: filters and pages make statements of their own.
const maxMade = 32

// everyField keeps what nil fields can't: statements of our own making, which clients don't multiply.
var everyField Fields

// NewFields makes fields of those beneath each; none asks for no more than identities.
func NewFields(beneath map[string]*Fields) *Fields { return &Fields{beneath: beneath} }

// has says whether any of the fields is asked for.
func (f *Fields) has(names ...string) bool {
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

// under are the fields that are asked for beneath a field.
func (f *Fields) under(name string) *Fields {
	if f == nil {
		return nil
	}
	return f.beneath[name]
}

// nodes are the fields that are asked for of the nodes of a list, by themselves or in its edges.
func (f *Fields) nodes() *Fields {
	if f == nil {
		return nil
	}
	return keep(f, "nodes", func() *Fields { return f.only("nodes").merged(f.only("edges").only("node")) })
}

// and asks for other fields too.
func (f *Fields) and(names ...string) *Fields {
	more := make(map[string]*Fields)
	for _, name := range names {
		if !f.has(name) {
			more[name] = &Fields{}
		}
	}
	if len(more) == 0 {
		return f
	}
	return keep(f, "and "+strings.Join(names, " "), func() *Fields { return f.merged(NewFields(more)) })
}

// only are the fields beneath one that may not be asked for: none then, and everything where everything is asked for.
func (f *Fields) only(name string) *Fields {
	if f == nil {
		return nil
	}
	if f.beneath[name] == nil {
		return &Fields{}
	}
	return f.beneath[name]
}

// merged are the fields of both.
func (f *Fields) merged(other *Fields) *Fields {
	both := make(map[string]*Fields)
	for _, one := range []*Fields{f, other} {
		if one == nil {
			continue
		}
		for name, beneath := range one.beneath {
			if known, ok := both[name]; ok {
				beneath = known.merged(beneath)
			}
			both[name] = beneath
		}
	}
	return NewFields(both)
}

// keep returns what was made of the fields under a key, or makes it.
func keep[V any](f *Fields, key any, make func() V) V {
	if f == nil {
		f = &everyField
	}
	if known, ok := f.made.Load(key); ok {
		return known.(V)
	}
	v := make()
	if f == &everyField || f.count.Add(1) <= maxMade {
		f.made.Store(key, v)
	}
	return v
}
