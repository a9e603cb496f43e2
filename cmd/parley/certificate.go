package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateEvery is how often a certificate's files are looked at, when a client connects.
const certificateEvery = time.Second

// certificate is read from files, and anew when they have changed: so it can be renewed while the server runs.
type certificate struct {
	chain, key string // files
	log        *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	from   [2]time.Time // when the files were changed last
	looked time.Time
}

// readCertificate reads a certificate and its key.
func readCertificate(chain, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{chain: chain, key: key, log: log}
	return c, c.load()
}

func (c *certificate) load() error {
	c.looked = time.Now()
	from, err := c.changed()
	if err == nil && c.loaded != nil && from == c.from {
		return nil
	}
	c.from = from // what can't be used is tried again when it has changed
	loaded, loading := tls.LoadX509KeyPair(c.chain, c.key)
	if loading != nil {
		return fmt.Errorf("the certificate %s with the key %s can't be used: %w", c.chain, c.key, loading)
	}
	c.loaded = &loaded
	return nil
}

// changed says when the files were changed last.
func (c *certificate) changed() (at [2]time.Time, err error) {
	for i, file := range []string{c.chain, c.key} {
		info, err := os.Stat(file)
		if err != nil {
			return at, err
		}
		at[i] = info.ModTime()
	}
	return at, nil
}

// get is tls.Config.GetCertificate. While new files can't be used, the certificate stays what it was.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < certificateEvery {
		return c.loaded, nil
	}
	was := c.loaded
	if err := c.load(); err != nil {
		c.log.Error("the new certificate can't be used; the old one stays", "error", err)
	} else if was != c.loaded {
		c.log.Info("the certificate is read anew", "expires", c.loaded.Leaf.NotAfter)
	}
	return c.loaded, nil
}
