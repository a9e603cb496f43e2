package storage

import (
	"context"
	"database/sql"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jmoiron/sqlx"
)

// maxPrepared bounds the statements that are kept prepared: every connection keeps a plan of each.
const maxPrepared = 256

// prepared runs reads as prepared statements: those that come again. A text is prepared when it comes the second time,
// so that one that never does leaves nothing behind.
type prepared struct {
	db    *sqlx.DB
	texts *lru.Cache[string, *statement]
}

// statement is a text that came at least once.
type statement struct {
	mu       sync.RWMutex
	prepared *sql.Stmt // nil: not, or no longer
	dropped  bool
}

func newPrepared(db *sqlx.DB) *prepared {
	texts, err := lru.NewWithEvict(maxPrepared, func(_ string, s *statement) { go s.drop() })
	if err != nil {
		panic(err) // the size is not positive
	}
	return &prepared{db, texts}
}

func (p *prepared) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	known, seen, _ := p.texts.PeekOrAdd(text, &statement{})
	if !seen {
		return p.db.QueryContext(ctx, text, args...)
	}
	p.texts.Get(text) // and so it is not the next one to go
	if err := known.prepare(ctx, p.db.DB, text); err != nil {
		return nil, err
	}
	known.mu.RLock()
	defer known.mu.RUnlock()
	if known.prepared == nil { // dropped since
		return p.db.QueryContext(ctx, text, args...)
	}
	return known.prepared.QueryContext(ctx, args...)
}

func (s *statement) prepare(ctx context.Context, db *sql.DB, text string) (err error) {
	s.mu.RLock()
	ready := s.prepared != nil || s.dropped
	s.mu.RUnlock()
	if ready {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared == nil && !s.dropped {
		s.prepared, err = db.PrepareContext(ctx, text)
	}
	return err
}

// drop closes the statement once nobody is starting it.
func (s *statement) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = true
	if s.prepared != nil {
		s.prepared.Close()
		s.prepared = nil
	}
}

func (p *prepared) close() error { return p.db.Close() }
