package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startBaseline starts the bare centrifuge server.
func (b *bench) startBaseline() (*process, error) {
	return startProcess(b.ctx, "centrifuge", exec.Command(filepath.Join(b.dir, "baseline")))
}

// buildBaseline builds the centrifuge server from its own module, so that Parley does not depend on centrifuge.
func (b *bench) buildBaseline() error {
	return b.build(filepath.Join(b.dir, "baseline"), filepath.Join("bench", "feed", "baseline"), ".")
}

// toChannel returns how a subscriber connects to centrifuge.
func toChannel(p *process) func(*subscriber) (*conversation, error) {
	return func(*subscriber) (*conversation, error) {
		c, err := upgrade(p.address, "/connection", "", 0)
		if err != nil {
			return nil, err
		}
		if err = c.say(`{"id":1,"connect":{}}`); err == nil {
			if err = c.hear(`"connect":{`); err == nil {
				if err = c.say(`{"id":2,"subscribe":{"channel":"changes"}}`); err == nil {
					err = c.hear(`"subscribe":{`)
				}
			}
		}
		if err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
}

// publisher returns a source of changes that publishes a message of Parley's, with another cursor and instant of the
// same length.
func publisher(p *process, sample []byte) (source, error) {
	var message struct{ Payload json.RawMessage }
	if err := json.Unmarshal(sample, &message); err != nil {
		return nil, fmt.Errorf("%.1000s: %w", sample, err)
	}
	cursor, at := string(marked(message.Payload, cursorMark)), string(marked(message.Payload, recordedAtMark))
	if cursor == "" || at == "" {
		return nil, fmt.Errorf("%.1000s is not the payload of a change", message.Payload)
	}
	published := 0
	return func(ctx context.Context) (recorded, error) {
		published++
		r := recorded{cursor: fmt.Sprintf("%0*d", len(cursor), published)}
		now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
		payload := strings.NewReplacer(cursor, r.cursor, at, now).Replace(string(message.Payload))
		var answer struct{}
		return r, post(ctx, "http://"+p.address.String()+"/publish", json.RawMessage(bytes.Clone([]byte(payload))),
			&answer)
	}, nil
}
