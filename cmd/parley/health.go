package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

type health struct {
	URL string `arg:"" optional:"" default:"http://127.0.0.1:8080" help:"URL of the server (${default})."`
}

// Run asks a server whether it can read and record.
func (h health) Run(r *run) error {
	request, err := http.NewRequestWithContext(r.ctx, http.MethodGet, strings.TrimRight(h.URL, "/")+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("%q is not a URL; give one such as http://127.0.0.1:8080", h.URL)
	}
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return fmt.Errorf("the server can't be asked: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("the server can't be asked: %w", err)
	}
	said := strings.TrimSpace(string(text))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers with %s: %s", response.Status, said)
	}
	fmt.Println(said)
	return nil
}
