package briefing

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"example.org/parley/storage"
)

//go:embed page.css
var style string

// ContentSecurityPolicy is what a page of WritePage needs from a browser: its style, and nothing else.
var ContentSecurityPolicy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// markdown reads what Write writes. HTML in it is not passed on.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table))

// WritePage writes a briefing as one HTML page, to read and to print, without a script. Errors are those of Write.
func WritePage(ctx context.Context, w io.Writer, store *storage.Store, r Request) error {
	b := &briefing{Request: r, Snapshot: store.Snapshot()}
	if err := b.read(ctx); err != nil {
		return err
	}
	var body bytes.Buffer
	if err := markdown.Convert([]byte(b.text()), &body); err != nil {
		return fmt.Errorf("make a page of a briefing: %w", err)
	}
	_, err := fmt.Fprintf(w, `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>%s</style>
</head>
<body>
%s</body>
</html>
`, html.EscapeString(b.negotiation.Title), style, body.String())
	return err
}
