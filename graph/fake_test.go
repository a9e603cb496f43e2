package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
)

// fake resolves every field with something made up: values, nulls (also where the schema forbids them) and errors. What
// it makes up depends on nothing but the seed, the field, its arguments and the object, however many objects it is
// asked about at once; so two executors meet the same.
type fake struct {
	seed uint64

	mu         sync.Mutex
	identities map[any]uint64 // of the objects made up, by pointer
}

func newFake(seed uint64) *fake { return &fake{seed: seed, identities: make(map[any]uint64)} }

func (f *fake) random(of ...any) *rand.Rand {
	text, err := json.Marshal(of)
	if err != nil {
		panic(err)
	}
	h := fnv.New64a()
	h.Write(text)
	return rand.New(rand.NewPCG(f.seed, h.Sum64()))
}

func fakeMany[V, P any](f *fake, coordinate string, objects []*P, args ...any) ([]V, error) {
	if err := someError(f.random(coordinate, args), 60); err != nil {
		return nil, err
	}
	values, errs, failed := make([]V, len(objects)), make(graphql.BatchErrorList, len(objects)), false
	for i, o := range objects {
		f.mu.Lock()
		identity := f.identities[o]
		f.mu.Unlock()
		r := f.random(coordinate, args, identity)
		if errs[i] = someError(r, 15); errs[i] != nil {
			failed = true
		} else {
			values[i] = fakeValue[V](f, r)
		}
	}
	if failed {
		return values, errs
	}
	return values, nil
}

func fakeOne[V any](f *fake, coordinate string, args ...any) (v V, err error) {
	r := f.random(coordinate, args)
	if err := someError(r, 15); err != nil {
		return v, err
	}
	return fakeValue[V](f, r), nil
}

func fakeEvents[V any](f *fake, coordinate string, args ...any) (<-chan V, error) {
	r := f.random(coordinate, args)
	if err := someError(r, 15); err != nil {
		return nil, err
	}
	events := make(chan V, 3)
	for range r.IntN(4) {
		v := fakeValue[V](f, r)
		// there is no event without a change, and gqlgen would give its error no path
		if of := reflect.ValueOf(v); of.IsValid() && !of.IsNil() {
			events <- v
		}
	}
	close(events)
	return events, nil
}

// someError is an error, one time in so many. None brings a path of its own: where a null is not allowed, gqlgen would
// then add an error about the null.
func someError(r *rand.Rand, oneIn int) error {
	if r.IntN(oneIn) > 0 {
		return nil
	}
	one, other := &gqlerror.Error{Message: fmt.Sprint("one ", r.IntN(100))},
		&gqlerror.Error{Message: fmt.Sprint("other ", r.IntN(100))}
	return []error{
		errors.New("plain"), one, gqlerror.List{one, other}, fmt.Errorf("wrapped: %w", one),
		fmt.Errorf("wrapped: %w", errors.New("plain")), parley.NewFault(parley.BadRequest, "refused %d", r.IntN(100)),
	}[r.IntN(6)]
}

func fakeValue[V any](f *fake, r *rand.Rand) V {
	var v V
	f.fill(r, reflect.ValueOf(&v).Elem())
	return v
}

var (
	nodes = []any{
		(*parley.Affiliation)(nil), (*parley.Analyst)(nil), (*parley.Assessment)(nil), (*parley.Event)(nil),
		(*parley.Issue)(nil), (*parley.Membership)(nil), (*parley.Negotiation)(nil),
		(*parley.Participation)(nil), (*parley.Position)(nil), (*parley.Scenario)(nil), (*parley.ScenarioRelation)(nil),
		(*parley.Source)(nil), (*parley.Stakeholder)(nil), (*parley.Statement)(nil), (*parley.StatusChange)(nil),
	}
	changes = []any{(*parley.AssessmentChanged)(nil), (*parley.PositionChanged)(nil), (*parley.RecordChanged)(nil),
		(*parley.ScenarioStatusChanged)(nil)}
	texts = []string{"", "plain", `a "quote" and a \`, "tab\tand\nline\r", "\x00\x1f\x7f", "Зеленський 🕊",
		"<&>\u2028"}
	statuses = []string{"FLOATED", "SUPERSEDED", "nonsense"}
)

// fill makes up a value in place.
func (f *fake) fill(r *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		if r.IntN(10) > 0 {
			v.Set(reflect.ValueOf(time.UnixMicro(r.Int64N(4e15)).UTC()))
		}
		return
	case uuid.UUID:
		if r.IntN(30) > 0 {
			var id uuid.UUID
			for i := range id {
				id[i] = byte(r.Uint32())
			}
			v.Set(reflect.ValueOf(id))
		}
		return
	case parley.ScenarioStatus:
		v.SetString(statuses[r.IntN(len(statuses))])
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[r.IntN(len(texts))])
	case reflect.Int, reflect.Int64:
		v.SetInt(r.Int64N(2000) - 1000)
	case reflect.Float64:
		v.SetFloat(r.NormFloat64() * 100)
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Slice:
		if r.IntN(10) > 0 {
			n := r.IntN(4)
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				f.fill(r, v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				f.fill(r, v.Field(i))
			}
		}
		f.identify(r, v)
	case reflect.Pointer:
		if r.IntN(12) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(r, v.Elem())
		}
	case reflect.Interface:
		f.member(r, v)
	default:
		panic("nothing to make up for a " + v.Type().String())
	}
}

// member makes up a value of one of the types that an interface has, or none. (Never a nil of one of the types: gqlgen
// lets that pass without an error where a null is not allowed.)
func (f *fake) member(r *rand.Rand, v reflect.Value) {
	members := nodes
	if v.Type() == reflect.TypeFor[parley.Change]() {
		members = changes
	}
	if r.IntN(12) > 0 {
		object := reflect.New(reflect.TypeOf(members[r.IntN(len(members))]).Elem())
		f.fill(r, object.Elem())
		v.Set(object)
	}
}

// identify gives an object the identity that what hangs on it is made up from.
func (f *fake) identify(r *rand.Rand, object reflect.Value) {
	if object.CanAddr() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.identities[object.Addr().Interface()] = r.Uint64()
	}
}
