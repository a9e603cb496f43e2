package server

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/server/transport"
)

// maxBody is the longest request body, in bytes. It admits the longest source text, encoded as JSON.
const maxBody = 16 << 20

// checkRequest refuses requests that the API does not accept, before they are parsed. Pages of other origins can't send
// JSON without the server's permission; so requiring JSON keeps them from writing in their visitors' names.
func checkRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		switch {
		case transport.WantsWebSocket(r):
			// the WebSocket transport checks these itself
		case r.Method == http.MethodGet:
			asked := r.URL.Query()
			variables := asked.Get("variables")
			if variables != "" && !json.Valid([]byte(variables)) {
				transport.Refuse(w, http.StatusBadRequest, parley.BadRequest,
					"The variables are not JSON; send an object with a value for each.")
				return
			}
			if !utf8.ValidString(asked.Get("query") + variables) {
				transport.Refuse(w, http.StatusBadRequest, parley.BadRequest,
					"The query or its variables are not UTF-8 text.")
				return
			}
		case r.Method == http.MethodPost:
			mediaType, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if mediaType != "application/json" {
				transport.Refuse(w, http.StatusUnsupportedMediaType, parley.BadRequest,
					"Send the operation as JSON, with the Content-Type application/json.")
				return
			}
			if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
				transport.Refuse(w, http.StatusUnsupportedMediaType, parley.BadRequest,
					fmt.Sprintf("Send the operation in UTF-8, as JSON always is, not in %.40q.", charset))
				return
			}
			if r.ContentLength > maxBody {
				transport.Refuse(w, http.StatusRequestEntityTooLarge, parley.Limit,
					fmt.Sprintf("The request is longer than %d bytes.", maxBody))
				return
			}
		case r.Method != http.MethodOptions:
			w.Header().Set("Allow", "OPTIONS, GET, POST")
			transport.Refuse(w, http.StatusMethodNotAllowed, parley.BadRequest,
				"Send operations by POST, or queries by GET.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// operationCheck refuses operations that their transport can't carry, and enum values that gqlgen accepts by mistake.
type operationCheck struct{ schema *ast.Schema }

var (
	_ graphql.OperationContextMutator   = operationCheck{}
	_ graphql.OperationParameterMutator = operationCheck{}
)

// ExtensionName returns the check's name among gqlgen's extensions.
func (operationCheck) ExtensionName() string { return "OperationCheck" }

// Validate accepts every schema.
func (operationCheck) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters refuses a document with a text that stands for no characters. It changes nothing.
func (operationCheck) MutateOperationParameters(_ context.Context, params *graphql.RawParams) *gqlerror.Error {
	if damage := parley.DamageInDocument(params.Query); damage != nil {
		return faulty("%s.", damage)
	}
	return nil
}

// MutateOperationContext refuses a faulty operation. It changes nothing.
func (c operationCheck) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	by, streams := transport.CarrierOf(ctx)
	switch kind := op.Operation.Operation; {
	case kind == ast.Subscription && !streams:
		return faulty(
			"Subscriptions need a WebSocket with the subprotocol graphql-transport-ws, or a request that accepts " +
				"text/event-stream; this request came over plain HTTP.")
	case kind == ast.Mutation && by == transport.ByGET:
		return faulty("Mutations need POST; this request came by GET.")
	}
	for _, v := range op.Operation.VariableDefinitions {
		if err := c.enums(v.Type, op.Variables[v.Variable]); err != nil {
			return err
		}
	}
	return nil
}

// faulty returns a validation error, like those that gqlgen reports.
func faulty(format string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(format, args...)
	errcode.Set(err, errcode.ValidationFailed)
	return err
}

// enums refuses values in variables that match an enum value only in another case: gqlgen accepts them and passes them
// on unchanged.
func (c operationCheck) enums(t *ast.Type, value any) *gqlerror.Error {
	if value == nil {
		return nil
	}
	if t.Elem != nil {
		// gqlgen wraps a value that was sent without its list in a slice of the value's type.
		for list, i := reflect.ValueOf(value), 0; list.Kind() == reflect.Slice && i < list.Len(); i++ {
			if err := c.enums(t.Elem, list.Index(i).Interface()); err != nil {
				return err
			}
		}
		return nil
	}
	switch def := c.schema.Types[t.NamedType]; def.Kind {
	case ast.Enum:
		if def.EnumValues.ForName(fmt.Sprint(value)) == nil {
			var names []string
			for _, v := range def.EnumValues {
				names = append(names, v.Name)
			}
			return faulty("%q is not a %s; write one of %s.", value, def.Name, strings.Join(names, ", "))
		}
	case ast.InputObject:
		fields, _ := value.(map[string]any)
		for _, f := range def.Fields {
			if err := c.enums(f.Type, fields[f.Name]); err != nil {
				return err
			}
		}
	}
	return nil
}
