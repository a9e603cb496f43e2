package main

import (
	_ "embed"
	"fmt"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/codegen/templates"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed levels.gotpl
var levelsTemplate string

//go:embed fake.gotpl
var fakeTemplate string

// levels is a gqlgen plugin that generates package level's tables for every type. It refuses schemas that package level
// can't execute, so that no error is left for run time.
type levels struct{}

// Name returns the plugin's name for gqlgen's errors.
func (levels) Name() string { return "levels" }

// MutateConfig binds the ids of all records: id names the record and the lens, recordId the record alone.
func (levels) MutateConfig(cfg *config.Config) error {
	for _, t := range cfg.Schema.PossibleTypes["Node"] {
		entry := cfg.Models[t.Name]
		entry.Fields = map[string]config.TypeMapField{"id": {FieldName: "ObjectID"}, "recordId": {FieldName: "ID"}}
		cfg.Models[t.Name] = entry
	}
	return nil
}

// GenerateCode writes the tables, and fake resolvers for a test of the executor.
func (levels) GenerateCode(data *codegen.Data) error {
	if err := check(data); err != nil {
		return err
	}
	for file, text := range map[string]string{"levels_gen.go": levelsTemplate, "fake_gen_test.go": fakeTemplate} {
		if err := render(data, file, text); err != nil {
			return err
		}
	}
	return nil
}

func render(data *codegen.Data, file, text string) error {
	s := schema{data}
	return templates.Render(templates.Options{
		PackageName:     data.Config.Exec.Package,
		Filename:        filepath.Join(data.Config.Exec.Dir(), file),
		Template:        text,
		Data:            data,
		GeneratedHeader: true,
		Packages:        data.Config.Packages,
		Funcs: template.FuncMap{
			"own": s.own, "field": s.field, "stream": s.stream, "member": s.members, "abstract": s.abstract,
			"abstracts": s.abstracts,
			"satisfies": (*codegen.Object).Implementors,
			"object":    goObject,
			"resolved":  s.resolved,
		},
	})
}

// check refuses what package level can't execute.
func check(data *codegen.Data) error {
	for _, d := range data.AllDirectives {
		for _, at := range d.Locations {
			switch at {
			case ast.LocationQuery, ast.LocationMutation, ast.LocationSubscription, ast.LocationField:
				return fmt.Errorf(
					"@%s is allowed on a %s; directives in documents are not executed, except @skip and @include",
					d.Name, at)
			}
		}
	}
	for _, o := range data.Objects {
		if o.IsReserved() {
			continue
		}
		for _, f := range o.Fields {
			if why := refusal(f); why != "" && !f.IsReserved() {
				return fmt.Errorf("%s.%s %s", o.Name, f.Name, why)
			}
		}
	}
	return nil
}

func refusal(f *codegen.Field) string {
	switch {
	case f.HasDirectives():
		return "has a directive that runs once per object; do its checks in the resolver"
	case f.IsResolver && !f.Object.Root && !f.IsBatch():
		return "has a resolver for one object at a time; set resolver.batch in gqlgen.yml"
	case f.IsMap():
		return "is bound to a map; bind its type to a struct"
	case f.TypeReference.IsRoot && f.TypeReference.Definition.Name == "Query" && !f.TypeReference.IsSlice():
		return ""
	case f.TypeReference.IsRoot:
		return "returns root objects other than one Query"
	case f.UsesSubscriptionContext():
		return "has a context for each event"
	}
	for t := f.TypeReference; ; t = t.Elem() {
		switch {
		case t.IsPtrToSlice(), t.IsPtrToIntf(), t.IsPtrToPtr():
			return fmt.Sprintf("is bound to %s; bind it to a value or a pointer to one", t.GO)
		case t.IsContext:
			return fmt.Sprintf("is marshalled with a context, by %s", t.GO)
		case !t.IsSlice():
			return ""
		}
	}
}

// schema writes the parts of the generated tables.
type schema struct{ *codegen.Data }

// own returns the object types that level executes: all except those of introspection, which gqlgen answers, and the
// subscription object.
func (s schema) own() []*codegen.Object {
	return slices.DeleteFunc(slices.Clone(s.Objects),
		func(o *codegen.Object) bool { return o.IsReserved() || o.Stream })
}

// resolved returns the object types that have resolvers.
func (s schema) resolved() []*codegen.Object {
	return slices.DeleteFunc(slices.Clone(s.Objects),
		func(o *codegen.Object) bool { return o.IsReserved() || !o.HasResolvers() })
}

// goObject returns the Go type of an object's values.
func goObject(o *codegen.Object) string {
	if o.Root {
		return templates.CurrentImports.Lookup(levelPackage) + ".Nothing"
	}
	return goType(o.Type)
}

const levelPackage = "example.org/parley/graph/level"

func goType(t types.Type) string { return templates.CurrentImports.LookupType(t) }

// field returns the table entry of a field.
func (s schema) field(f *codegen.Field) string {
	object, value := goObject(f.Object), goType(f.TypeReference.GO)
	shape := s.shape(f.TypeReference)
	var entry string
	switch {
	case f.IsReserved():
		return fmt.Sprintf(
			`level.Introspection(func(ctx context.Context, field graphql.CollectedField) graphql.Marshaler {
			schema := (*executableSchema)(ec.ExecutableSchemaState)
			return newExecutionContext(graphql.GetOperationContext(ctx), schema, nil)._%s_%s(ctx, field)
		})`,
			f.Object.Name,
			f.Name,
		)
	case f.Object.Root:
		entry = fmt.Sprintf(`level.Root(func(ctx context.Context, fc *graphql.FieldContext) (%s, error) {
			return ec.Resolvers.%s
		}, %s)`, value, f.ShortInvocation(), shape)
	case f.TypeReference.IsRoot:
		return fmt.Sprintf(`level.Bound(func(*%s) level.Nothing { return level.Nothing{} }, level.Struct(&l.%s))`, object,
			f.TypeReference.Definition.Name)
	case f.IsBatch():
		entry = fmt.Sprintf(`level.Batch(func(ctx context.Context, fc *graphql.FieldContext, objs []*%s) ([]%s, error) {
			return ec.Resolvers.%s().%s(%s)
		}, %s)`, object, value, templates.UcFirst(f.Object.Name), f.GoFieldName, f.BatchCallArgs("objs", ""), shape)
	case f.IsMethod() && f.Name == "id": // every record has one, so that it has to be quick
		entry = fmt.Sprintf(`level.Plain((*%s).%s, %s)`, object, f.GoFieldName, leaf(f.TypeReference))
	case f.IsMethod():
		entry = fmt.Sprintf(`level.Method(func(ctx context.Context, fc *graphql.FieldContext, o *%s) (%s, error) {
			%s
		}, %s)`, object, value, call(f), shape)
	case isLeaf(f.TypeReference):
		entry = fmt.Sprintf(`level.Plain(func(o *%s) %s { return o.%s }, %s)`, object, value, f.GoFieldName,
			leaf(f.TypeReference))
	default:
		entry = fmt.Sprintf(`level.Bound(func(o *%s) %s { return o.%s }, %s)`, object, value, f.GoFieldName, shape)
	}
	return entry + s.with(f)
}

// call returns a call of the method that a field is bound to.
func call(f *codegen.Field) string {
	invocation := fmt.Sprintf("o.%s(%s)", f.GoFieldName, f.CallArgs())
	switch {
	case f.VOkFunc:
		return fmt.Sprintf("v, ok := %s\nif !ok { return nil, nil }\nreturn v, nil", invocation)
	case f.NoErr:
		return fmt.Sprintf("return %s, nil", invocation)
	}
	return "return " + invocation
}

func (s schema) with(f *codegen.Field) string {
	if len(f.Args) == 0 {
		return ""
	}
	return fmt.Sprintf(".With(ec.%s)", f.ArgsFunc())
}

// stream returns the table entry of a field of the subscription object.
func (s schema) stream(f *codegen.Field) string {
	return fmt.Sprintf(`level.Events(func(ctx context.Context, fc *graphql.FieldContext) (<-chan %s, error) {
		return ec.Resolvers.%s
	}, %s)`, goType(f.TypeReference.GO), f.ShortInvocation(), s.shape(f.TypeReference)) + s.with(f)
}

// isLeaf reports whether a type is a scalar or an enum, or a list of them.
func isLeaf(t *config.TypeReference) bool {
	return t.Definition.Kind == ast.Scalar || t.Definition.Kind == ast.Enum
}

// shape returns the expression of a type's shape.
func (s schema) shape(t *config.TypeReference) string {
	switch {
	case isLeaf(t):
		return fmt.Sprintf("level.Leaves(%s)", leaf(t))
	case t.IsSlice():
		return fmt.Sprintf("level.List(%s, %q)", s.shape(t.Elem()), t.GQL)
	case t.Definition.IsAbstractType():
		return fmt.Sprintf("l.shapeOf%s()", t.Definition.Name)
	case t.IsPtr():
		return fmt.Sprintf("level.Pointer(&l.%s)", t.Definition.Name)
	}
	return fmt.Sprintf("level.Struct(&l.%s)", t.Definition.Name)
}

// leaf returns the expression of a leaf type.
func leaf(t *config.TypeReference) string {
	switch {
	case t.IsSlice():
		return fmt.Sprintf("level.LeafList(%s, %q)", leaf(t.Elem()), t.GQL)
	case t.IsPtr() && !t.IsTargetNilable():
		return fmt.Sprintf("level.Optional(%s)", leaf(t.Elem()))
	}
	value := goType(t.GO)
	if t.IsMarshaler {
		return fmt.Sprintf("level.Marshalled(func(v %s) graphql.Marshaler { return v })", value)
	}
	if known := knownLeaf(t, value); known != "" {
		return known
	}
	argument := "v"
	if t.CastType != nil {
		argument = fmt.Sprintf("%s(v)", goType(t.CastType))
	}
	return fmt.Sprintf("level.Marshalled(func(v %s) graphql.Marshaler { return %s(%s) })", value, goFunc(t.Marshaler),
		argument)
}

// knownLeaf returns the leaf of a type that is appended without a marshaller: a type of gqlgen's, or one whose package
// has an AppendX for its MarshalX. It returns "" for other types.
func knownLeaf(t *config.TypeReference, value string) string {
	if t.HasEnumValues() {
		return ""
	}
	if t.Marshaler.Pkg().Path() == "github.com/99designs/gqlgen/graphql" {
		switch t.Marshaler.Name() {
		case "MarshalString", "MarshalID":
			return fmt.Sprintf("level.Text[%s]", value)
		case "MarshalInt":
			return fmt.Sprintf("level.Int[%s]", value)
		case "MarshalBoolean":
			return "level.Boolean"
		case "MarshalUUID":
			return "level.UUID"
		}
		return ""
	}
	name := strings.Replace(t.Marshaler.Name(), "Marshal", "Append", 1)
	if f, ok := t.Marshaler.Pkg().Scope().Lookup(name).(*types.Func); ok && t.CastType == nil {
		return fmt.Sprintf("level.Appended(%s)", goFunc(f))
	}
	return ""
}

func goFunc(f *types.Func) string {
	if alias := templates.CurrentImports.Lookup(f.Pkg().Path()); alias != "" {
		return alias + "." + f.Name()
	}
	return f.Name()
}

// abstracts returns the interfaces and unions, sorted by name.
func (s schema) abstracts() []*codegen.Interface {
	var list []*codegen.Interface
	for _, i := range s.Interfaces {
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b *codegen.Interface) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (s schema) abstract(i *codegen.Interface) string { return goType(i.Type) }

// members returns the names of an abstract type's members, each once.
func (s schema) members(i *codegen.Interface) []string {
	var names []string
	for _, m := range i.Implementors {
		if !slices.Contains(names, m.Name) {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return names
}
