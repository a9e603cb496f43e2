package server

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"example.org/parley"
	"example.org/parley/server/transport"
)

// checkRequest refuses requests that the API does not accept, before they are parsed. Pages of other origins can't send
// JSON without the server's permission; so requiring JSON keeps them from writing in their visitors' names.
func checkRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, transport.MaxBody)
		switch {
		case transport.WantsWebSocket(r):
			// the WebSocket transport checks these itself
		case r.Method == http.MethodGet, r.Method == http.MethodHead:
			asked := r.URL.Query()
			variables := asked.Get("variables")
			if variables != "" && !json.Valid([]byte(variables)) {
				transport.Refuse(w, http.StatusBadRequest, parley.BadRequest,
					"The variables are not JSON; send an object with a value for each.")
				return
			}
		case r.Method == http.MethodPost:
			mediaType, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if mediaType != "application/json" {
				transport.Refuse(w, http.StatusUnsupportedMediaType, parley.BadRequest,
					"Send the operation as JSON, with the Content-Type application/json.")
				return
			}
			if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
				transport.Refuse(w, http.StatusUnsupportedMediaType, parley.BadRequest,
					fmt.Sprintf("Send the operation in UTF-8, as JSON always is, not in %.40q.", charset))
				return
			}
			if r.ContentLength > transport.MaxBody {
				transport.Refuse(w, http.StatusRequestEntityTooLarge, parley.Limit,
					fmt.Sprintf("The request is longer than %d bytes.", transport.MaxBody))
				return
			}
		case r.Method != http.MethodOptions:
			w.Header().Set("Allow", "OPTIONS, GET, HEAD, POST")
			transport.Refuse(w, http.StatusMethodNotAllowed, parley.BadRequest,
				"Send operations by POST, or queries by GET.")
			return
		}
		next.ServeHTTP(w, r)
	})
}
