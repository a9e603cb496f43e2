package server

import (
	"bytes"
	"net/http"
	"time"

	"github.com/vektah/gqlparser/v2/formatter"

	"example.org/parley/graph"
	"example.org/parley/server/transport"
)

// serveSchema answers with the API's schema as clients see it, in the schema definition language, for tools that generate
// code or check documents.
func serveSchema() http.HandlerFunc {
	var text bytes.Buffer
	formatter.NewFormatter(&text, formatter.WithIndent("  ")).FormatSchema(graph.NewSchema(graph.Config{}).Schema())
	tag := transport.Tag(text.Bytes())
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", transport.AskAgain)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text.Bytes()))
	}
}
