package graph

import (
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
)

// Everything in the schema is described, and what is deprecated says until when it stays.
func TestSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	until := regexp.MustCompile(`Until \d{4}-\d{2}-\d{2}\.$`)
	check := func(place, description string, directives ast.DirectiveList) {
		if strings.TrimSpace(description) == "" {
			t.Errorf("%s is not described", place)
		}
		if d := directives.ForName("deprecated"); d != nil {
			if reason := d.Arguments.ForName("reason"); reason == nil || !until.MatchString(reason.Value.Raw) {
				t.Errorf(`%s is deprecated without a reason that ends with "Until 2027-06-30."`, place)
			}
		}
	}
	schema := NewSchema(Config{}).Schema()
	for name, d := range schema.Types {
		if d.BuiltIn || strings.HasPrefix(name, "__") {
			continue
		}
		if d != schema.Query && d != schema.Mutation && d != schema.Subscription {
			check(name, d.Description, d.Directives)
		}
		for _, v := range d.EnumValues {
			check(name+"."+v.Name, v.Description, v.Directives)
		}
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			check(name+"."+f.Name, f.Description, f.Directives)
			for _, a := range f.Arguments {
				check(name+"."+f.Name+"."+a.Name, a.Description, a.Directives)
			}
		}
	}
}
