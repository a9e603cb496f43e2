package server

import (
	"net/http"
	"strings"
)

// secured sets headers for browsers: they guess no content types, show no answer in a frame, and send no address of a page to other sites.
// If the public URL is HTTPS, they use only HTTPS from then on.
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
