package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.org/parley"
	"example.org/parley/briefing"
	"example.org/parley/internal/turns"
	"example.org/parley/server/transport"
)

// serveBriefing answers with a negotiation's briefing: a page for browsers, Markdown for all others. It answers 400 for a
// faulty parameter, 404 for an unknown negotiation, and 503 if writing it takes too long.
func serveBriefing(o Options) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked := briefing.Request{Negotiation: r.PathValue("negotiation"), BaseURL: o.PublicURL}
		query := r.URL.Query()
		if query.Has("upTo") {
			var err error
			if asked.UpTo, err = parley.ReadMarking(query.Get("upTo")); err != nil {
				say(w, http.StatusBadRequest, "upTo: "+err.Error())
				return
			}
			query.Del("upTo")
		}
		if !readInstants(w, query, map[string]**parley.Instant{
			"validAt": &asked.AsOf.ValidAt,
			"knownAt": &asked.AsOf.KnownAt,
			"since":   &asked.Since,
		}, "upTo") {
			return
		}
		write, kind := briefing.Write, "text/markdown; charset=utf-8"
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			write, kind = briefing.WritePage, "text/html; charset=utf-8"
		}
		ctx, cancel := context.WithTimeout(r.Context(), o.Bounds.Time)
		defer cancel()
		ctx, task := turns.WithTask(ctx)
		defer task.End()
		var text bytes.Buffer
		err := write(ctx, &text, o.Store, asked)
		var fault *parley.Fault
		switch {
		case errors.As(context.Cause(r.Context()), &fault):
			say(w, http.StatusUnauthorized, fault.Message)
		case errors.Is(err, briefing.ErrUnknown):
			say(w, http.StatusNotFound,
				fmt.Sprintf("Nothing is known as %q; give the key or the id of a negotiation.", asked.Negotiation))
		case errors.As(err, &fault) && fault.Code != parley.Internal:
			say(w, http.StatusBadRequest, fault.Message)
		case ctx.Err() != nil && r.Context().Err() == nil:
			say(w, http.StatusServiceUnavailable, fmt.Sprintf("Writing the briefing took longer than %s; ask again when the server "+
				"has less to do.", o.Bounds.Time))
		case err != nil && r.Context().Err() == nil:
			o.Log.ErrorContext(r.Context(), "a briefing could not be written", "error", err)
			say(w, http.StatusInternalServerError, "Internal error")
		case err == nil:
			o.exported(r.Context(), "briefing of "+asked.Negotiation)
			w.Header().Set("Content-Type", kind)
			w.Header().Add("Vary", "Accept")
			w.Header().Set("Content-Security-Policy", briefing.ContentSecurityPolicy)
			w.Header().Set("ETag", transport.Tag(text.Bytes()))
			transport.SetCaching(ctx, w.Header(), asked.AsOf.IsPast(time.Now()))
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text.Bytes()))
		}
	}
}
