package server

import (
	"net/http"
	"strings"
)

// secured has browsers take answers for what they are, show them in no frame of another page, and send nobody their addresses. Reached by
// HTTPS, they do not come back without.
func secured(o Options, next http.Handler) http.Handler {
	encrypted := strings.HasPrefix(o.PublicURL, "https:")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		if encrypted {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
