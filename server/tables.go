package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"example.org/parley"
	"example.org/parley/archive"
	"example.org/parley/internal/turns"
	"example.org/parley/server/transport"
)

// TablesPath is the beginning of a table's URL path. The negotiation's key or id and the table's name follow.
const TablesPath = "/tables/"

// tables are those that are served, by the name of the file, and whether they show one valid instant.
var tables = map[string]struct {
	write       func(*archive.Subject, context.Context, io.Writer, func(int)) error
	atAnInstant bool
}{
	"positions.csv":      {(*archive.Subject).PositionsCSV, true},
	"stances.csv":        {(*archive.Subject).StancesCSV, true},
	"status-changes.csv": {(*archive.Subject).StatusChangesCSV, false},
}

// byteOrderMark tells some spreadsheets that a file is UTF-8.
const byteOrderMark = "\ufeff"

// serveTable answers with a table of a negotiation as CSV. It answers 400 for a faulty parameter and 404 for an unknown
// negotiation or table.
func serveTable(o Options) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("table")
		table, known := tables[name]
		if !known {
			say(w, http.StatusNotFound, fmt.Sprintf("There is no table %q; the tables are positions.csv, stances.csv and "+
				"status-changes.csv.", name))
			return
		}
		var asOf parley.AsOf
		instants := map[string]**parley.Instant{"knownAt": &asOf.KnownAt}
		if table.atAnInstant {
			instants["validAt"] = &asOf.ValidAt
		}
		query := r.URL.Query()
		bom, err := strconv.ParseBool(first(query["bom"], "false"))
		if err != nil {
			say(w, http.StatusBadRequest, fmt.Sprintf("bom: %q is neither true nor false.", query.Get("bom")))
			return
		}
		query.Del("bom")
		if !readInstants(w, query, instants, "bom") {
			return
		}
		ctx, task := turns.WithTask(r.Context())
		defer task.End()
		subject, err := archive.Find(ctx, o.Store, r.PathValue("negotiation"), &asOf)
		var fault *parley.Fault
		switch {
		case err != nil && errors.As(context.Cause(r.Context()), &fault):
			say(w, http.StatusUnauthorized, fault.Message)
			return
		case errors.As(err, new(archive.Unknown)):
			say(w, http.StatusNotFound, err.Error()+".")
			return
		case errors.As(err, &fault) && fault.Code != parley.Internal:
			say(w, http.StatusBadRequest, fault.Message)
			return
		case err != nil:
			o.Log.ErrorContext(r.Context(), "a table could not be written", "error", err)
			say(w, http.StatusInternalServerError, "Internal error")
			return
		}
		o.exported(r.Context(), name+" of "+subject.Key)
		transport.SetCaching(ctx, w.Header(), false)
		w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", subject.Key+"-"+name))
		out := between{w, http.NewResponseController(w), task}
		if bom {
			io.WriteString(out, byteOrderMark)
		}
		if err := table.write(subject, ctx, out, nil); err != nil {
			if r.Context().Err() == nil {
				o.Log.ErrorContext(r.Context(), "a table was cut off", "error", err)
			}
			panic(http.ErrAbortHandler) // what was sent must not pass for the whole table
		}
	}
}

// between writes a long answer while it is made. The client has some time for each part, and others have their turns
// meanwhile.
type between struct {
	http.ResponseWriter
	control *http.ResponseController
	task    *turns.Task
}

// Write writes a part.
func (b between) Write(part []byte) (int, error) {
	b.task.Pause()
	b.control.SetWriteDeadline(time.Now().Add(transport.AnswerTimeout)) // an error: this kind of connection has none
	return b.ResponseWriter.Write(part)
}

func first(values []string, otherwise string) string {
	if len(values) == 0 {
		return otherwise
	}
	return values[0]
}

// readInstants reads the parameters of a URL, each of which is an instant. It answers 400 and returns false if one is
// unknown or is none; the answer names the parameters that are read elsewhere too.
func readInstants(
	w http.ResponseWriter, query map[string][]string, instants map[string]**parley.Instant, others ...string,
) bool {
	for name, values := range query {
		into := instants[name]
		if into == nil {
			names := others
			for known := range instants {
				names = append(names, known)
			}
			slices.Sort(names)
			say(w, http.StatusBadRequest, fmt.Sprintf("%q is not a parameter; give %s, or none.", name,
				parley.Enumerated(names)))
			return false
		}
		at, err := parley.ParseInstant(values[0])
		if err != nil {
			say(w, http.StatusBadRequest, fmt.Sprintf("%s: %s", name, err))
			return false
		}
		*into = &at
	}
	return true
}
