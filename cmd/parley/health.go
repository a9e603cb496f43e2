package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

type health struct {
	URL string `arg:"" optional:"" default:"http://127.0.0.1:8080" help:"URL of the server (${default})."`
}

// Run asks a server whether it can read and record.
func (h health) Run(r *run) error {
	u, err := url.Parse(h.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("this is not the URL of a server; give one such as http://127.0.0.1:8080") // it may have a password
	}
	request, err := http.NewRequestWithContext(r.ctx, http.MethodGet, u.JoinPath("readyz").String(), nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("the server can't be asked: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("the server can't be asked: %w", err)
	}
	said := strings.TrimSpace(string(text))
	switch {
	case response.StatusCode == http.StatusOK && said == "ready":
		fmt.Println(said)
		return nil
	case strings.ContainsFunc(said, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }): // of another program, or a page
		said = strconv.Quote(said)
	}
	return fmt.Errorf("the server answers with status %d: %s", response.StatusCode, said)
}
