package observe

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley"
)

// maxName is how much of an operation's name is logged, in code points.
const maxName = 100

// logSlow logs an operation that took long. Of its document it logs the hash and the fields that it begins with: variables,
// and values in the text, may be confidential.
func (o *Operation) logSlow(kind, outcome string, took time.Duration) {
	list := []slog.Attr{
		slog.String("kind", kind), slog.String("transport", string(o.By)), slog.String("outcome", outcome),
		slog.Float64("seconds", took.Seconds()), slog.Int64("statements", o.statements.Load()),
	}
	if o.Is != nil && o.Is.Operation != nil {
		hash := sha256.Sum256([]byte(o.Is.RawQuery))
		list = append(list, slog.String("name", parley.Clip(o.Is.Operation.Name, maxName)), slog.Any("fields", rootFields(o.Is.Operation)),
			slog.String("document", hex.EncodeToString(hash[:])))
	}
	o.observer.Log.LogAttrs(o.ctx, slog.LevelWarn, "an operation was slow", list...)
}

// rootFields are the names of the fields that an operation begins with, by the schema, each once. There may be more, in
// fragments.
func rootFields(op *ast.OperationDefinition) (names []string) {
	met := make(map[string]bool)
	for _, s := range op.SelectionSet {
		if f, ok := s.(*ast.Field); ok && !met[f.Name] {
			met[f.Name] = true
			names = append(names, f.Name)
		}
	}
	return names
}
