package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	_ "github.com/lib/pq" // the driver
)

// bare is the handler that Parley is compared with: net/http, database/sql, and one prepared statement per question.
type bare struct {
	DatabaseURL string `env:"BENCH_DATABASE_URL" required:"" help:"The database to answer from."`
}

// Run serves until the context ends.
func (b bare) Run(r *run) error {
	db, err := sql.Open("postgres", b.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	h, err := newBareHandler(r.ctx, db)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: h}
	context.AfterFunc(r.ctx, func() { srv.Close() })
	r.log.Info("ready", "url", "http://"+listener.Addr().String()+"/")
	if err := srv.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// newBareHandler returns a handler that answers GET /number/id.
func newBareHandler(ctx context.Context, db *sql.DB) (http.Handler, error) {
	prepared := make(map[string]*sql.Stmt)
	for _, q := range questions {
		statement, err := db.PrepareContext(ctx, q.statement)
		if err != nil {
			return nil, fmt.Errorf("prepare question %d: %w", q.number, err)
		}
		prepared[strconv.Itoa(q.number)] = statement
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		statement := prepared[number]
		if statement == nil {
			http.NotFound(w, r)
			return
		}
		var arguments []any
		if id != "" {
			arguments = []any{id}
		}
		// Using the request's context would cost a goroutine that watches it.
		var text string
		if err := statement.QueryRow(arguments...).Scan(&text); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		io.WriteString(w, text)
	}), nil
}
