package server

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/server/transport"
)

// Bounds on the work of validating a document. gqlparser compares all fields in pairs that have one name in an answer,
// and a fragment again wherever it is spread. The largest documents of real frontends have a thousandth of these.
const (
	maxPairs       = 100_000
	maxSelections  = 20_000
	maxDefinitions = 200 // operations and fragments
)

// tooMuchToValidate refuses a document that would take long to validate.
func tooMuchToValidate(document *ast.QueryDocument) *gqlerror.Error {
	if n := len(document.Operations) + len(document.Fragments); n > maxDefinitions {
		return transport.Refused(parley.Limit, fmt.Sprintf(
			"The document has more than %d operations and fragments; send what one operation needs.", maxDefinitions))
	}
	v := validation{fragments: document.Fragments}
	for _, f := range document.Fragments {
		if v.isWithin(f.Name, f.SelectionSet, make(map[string]bool)) {
			return faulty("The fragment %s spreads itself, maybe through others; leave one of the spreads out.", clipped(f.Name))
		}
	}
	for _, o := range document.Operations {
		v.compare([]ast.SelectionSet{o.SelectionSet})
	}
	for _, f := range document.Fragments {
		v.compare([]ast.SelectionSet{f.SelectionSet})
	}
	if v.spent() {
		return transport.Refused(parley.Limit, "The document selects too much at one place: too many fields of one name, or too many "+
			"fragments within fragments; select each field once.")
	}
	return nil
}

// validation counts what is done to validate a document.
type validation struct {
	fragments         ast.FragmentDefinitionList
	pairs, selections int
}

func (v *validation) spent() bool { return v.pairs > maxPairs || v.selections > maxSelections }

// isWithin reports whether a fragment is spread in a selection, maybe through other fragments.
func (v *validation) isWithin(name string, set ast.SelectionSet, met map[string]bool) bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if v.isWithin(name, s.SelectionSet, met) {
				return true
			}
		case *ast.InlineFragment:
			if v.isWithin(name, s.SelectionSet, met) {
				return true
			}
		case *ast.FragmentSpread:
			if s.Name == name {
				return true
			}
			if f := v.fragments.ForName(s.Name); f != nil && !met[s.Name] {
				met[s.Name] = true
				if v.isWithin(name, f.SelectionSet, met) {
					return true
				}
			}
		}
	}
	return false
}

// compare counts the fields of selections that are merged, by their names, and goes on with what is merged beneath.
func (v *validation) compare(sets []ast.SelectionSet) {
	count, beneath := make(map[string]int), make(map[string][]ast.SelectionSet)
	var add func(ast.SelectionSet)
	add = func(set ast.SelectionSet) {
		for _, s := range set {
			if v.selections++; v.spent() {
				return
			}
			switch s := s.(type) {
			case *ast.Field:
				v.pairs += count[s.Alias]
				count[s.Alias]++
				if len(s.SelectionSet) > 0 {
					beneath[s.Alias] = append(beneath[s.Alias], s.SelectionSet)
				}
			case *ast.InlineFragment:
				add(s.SelectionSet)
			case *ast.FragmentSpread:
				if f := v.fragments.ForName(s.Name); f != nil {
					add(f.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		add(set)
	}
	for _, merged := range beneath {
		v.compare(merged)
	}
}
