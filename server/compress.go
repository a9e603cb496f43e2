package server

import (
	"compress/gzip"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"example.org/parley/server/transport"
)

// compressed has answers compressed with gzip, or zstd, for clients that accept it. Gzip comes first: it is quicker here,
// and its answers are hardly longer. Streams are not compressed: each of their parts has to arrive at once.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.PreferZstd(false))
	if err != nil {
		panic(err) // the level is one
	}
	compressing := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case transport.WantsWebSocket(r), strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
			next.ServeHTTP(w, r)
		case r.Header.Get("Accept-Encoding") == "":
			w.Header().Add("Vary", "Accept-Encoding")
			next.ServeHTTP(w, r)
		default:
			compressing(w, r)
		}
	})
}
