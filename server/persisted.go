package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"example.org/parley"
	"example.org/parley/server/transport"
)

// Documents are those that an operator trusts, by the ids under which clients ask for them.
type Documents struct {
	ByID map[string]string
	// Only refuses all other documents.
	Only bool
}

// ReadDocuments reads trusted documents from JSON: an object with the text of a document for each id, as the client preset
// of graphql-codegen and Relay write it, or Apollo's manifest of operations.
func ReadDocuments(text []byte) (map[string]string, error) {
	var manifest struct {
		Operations []struct{ ID, Body string }
	}
	byID := make(map[string]string)
	if err := json.Unmarshal(text, &manifest); err == nil && len(manifest.Operations) > 0 {
		for _, o := range manifest.Operations {
			byID[o.ID] = o.Body
		}
	} else if err := json.Unmarshal(text, &byID); err != nil {
		return nil, errors.New("it is neither an object with the text of a document for each id, nor a manifest of operations with id and body")
	}
	if len(byID) == 0 {
		return nil, errors.New("it has no document")
	}
	return byID, nil
}

// persisted lets clients send a document's id, or hash, instead of the document: of those that are trusted, and of those
// that were sent with their hash before. gqlgen keeps the latter.
type persisted struct {
	extension.AutomaticPersistedQuery
	trusted Documents
	known   map[string]bool // the texts that are trusted
}

var _ graphql.OperationParameterMutator = persisted{}

func newPersisted(trusted Documents, m cacheMetrics) persisted {
	byHash := newCache("persisted", func(_, text string) int { return len(text) }, m)
	p := persisted{extension.AutomaticPersistedQuery{Cache: byHash}, trusted, make(map[string]bool)}
	for _, text := range trusted.ByID {
		p.known[text] = true
	}
	return p
}

// MutateOperationParameters puts a document in the place of its id.
func (p persisted) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	asked := params.Extensions["persistedQuery"]
	named, _ := asked.(map[string]any)
	id, _ := named["sha256Hash"].(string)
	switch {
	case p.trusted.ByID[id] != "" && params.Query == "":
		params.Query = p.trusted.ByID[id]
		return nil
	case p.trusted.Only && !p.known[params.Query]:
		return transport.Refused(parley.Forbidden, "This server answers trusted documents only; send one of them, or its id.")
	case asked == nil || p.trusted.Only:
		return nil
	case id == "" || fmt.Sprint(named["version"]) != "1":
		return faulty("extensions.persistedQuery is not understood; send version 1 and sha256Hash, the SHA-256 hash of the " +
			"document in hexadecimal digits.")
	}
	err := p.AutomaticPersistedQuery.MutateOperationParameters(ctx, params)
	if err != nil && params.Query != "" {
		return faulty("sha256Hash %s is not the SHA-256 hash of the document; send the hash of the very text in query.", clipped(id))
	}
	return err
}
