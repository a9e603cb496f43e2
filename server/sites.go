package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/rs/cors"

	"example.org/parley"
	"example.org/parley/internal/request"
	"example.org/parley/internal/turns"
	"example.org/parley/server/transport"
)

// Sites are the names under which a server is reached, and whose pages may use it. The zero value is a server that only
// its own pages use, under the name localhost or an address.
type Sites struct {
	// Hosts are the server's names, without ports. Under any other name it refuses requests: a page of another site could
	// reach it by resolving its own name to the server's address. IP addresses are accepted, since no name is resolved.
	Hosts []string
	// Origins are those of other pages that may use the server, such as "https://desk.example".
	Origins []string
	// Proxies are those whose headers X-Forwarded-For and X-Forwarded-Host count.
	Proxies []netip.Prefix
	// BasePath precedes all paths, such as "/parley"; empty: nothing does. A proxy may leave it out of the requests that it
	// passes on.
	BasePath string
}

// ReadOrigin checks an origin.
func ReadOrigin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != strings.ToLower(text) {
		return "", fmt.Errorf("%q is not an origin; give a scheme, a host and, if it is not the usual one, a port, such as "+
			"https://desk.example or http://localhost:5173", text)
	}
	return strings.ToLower(text), nil
}

// ReadProxy reads an address, or a range of addresses.
func ReadProxy(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an address; give that of the proxy, or a range, such as 10.0.0.0/8", text)
	}
	return prefix.Masked(), nil
}

// handle has a handler answer only those requests that the sites allow, as behindProxy returns them. All paths of the
// handler begin with BasePath.
func (s Sites) handle(next http.Handler) http.Handler {
	shared := cors.New(cors.Options{
		AllowOriginVaryRequestFunc: func(r *http.Request, origin string) (bool, []string) { return s.allows(r, origin), nil },
		AllowedMethods:             []string{http.MethodGet, http.MethodHead, http.MethodPost},
		AllowedHeaders:             []string{"*"},
		ExposedHeaders:             []string{"ETag", "Retry-After", request.Header},
		MaxAge:                     7200,
	}).Handler(compressed(next))
	return s.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == s.BasePath:
			r = withPath(r, s.BasePath+"/")
		case !strings.HasPrefix(r.URL.Path, s.BasePath+"/"):
			r = withPath(r, s.BasePath+r.URL.Path)
		}
		shared.ServeHTTP(w, r)
	}))
}

// guard refuses requests to other names, and from pages that may not use the server.
func (s Sites) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.isOwnName(r.Host) {
			say(w, http.StatusMisdirectedRequest, fmt.Sprintf(
				"This server is not known as %.100q; start it with --allow-host or --public-url to add a name.", hostName(r.Host)))
			return
		}
		if origin := r.Header.Get("Origin"); s.isForeign(r, origin) {
			refusal := "Pages of other sites may not use this server."
			if _, err := ReadOrigin(origin); err == nil {
				refusal = fmt.Sprintf("Pages of %.200s may not use this server; start it with --allow-origin %[1]s to allow them.", origin)
			}
			transport.Refuse(w, http.StatusForbidden, parley.Forbidden, refusal)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// behindProxy is the request as the client sent it to the proxy, if a trusted one passed it on.
func (s Sites) behindProxy(r *http.Request) *http.Request {
	if len(s.Proxies) == 0 || !s.isProxy(r.RemoteAddr) {
		return r
	}
	r = r.Clone(r.Context())
	if host, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Host"), ","); host != "" {
		r.Host = strings.TrimSpace(host)
	}
	// Each proxy appends the address that it sees, so that only the last ones can be trusted.
	passed := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, client := range slices.Backward(passed) {
		if client = strings.TrimSpace(client); !addressOf(client).IsValid() {
			break
		}
		r = r.WithContext(turns.WithCaller(r.Context(), turns.CallerAt(client)))
		if !s.isProxy(client) {
			break
		}
	}
	return r
}

func (s Sites) isProxy(address string) bool {
	ip := addressOf(address)
	return ip.IsValid() && slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}

// addressOf is an IP address, with or without a port; invalid: the text is none.
func addressOf(text string) netip.Addr {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr()
	}
	ip, _ := netip.ParseAddr(text)
	return ip
}

// isOwnName reports whether a request may ask for this host.
func (s Sites) isOwnName(host string) bool {
	name := hostName(host)
	// Health checks of proxies may give no name. Browsers always do.
	return name == "" || name == "localhost" || net.ParseIP(name) != nil || slices.Contains(s.Hosts, name)
}

// hostName is a host without its port, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// isForeign reports whether a request comes from a page that may not use the server. A reader may follow a link from any
// page.
func (s Sites) isForeign(r *http.Request, origin string) bool {
	if origin != "" {
		return !s.allows(r, origin)
	}
	return r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Dest") != "document"
}

// allows reports whether pages of an origin may use the server: its own, and those that it was told of. On one machine,
// a page of localhost is also one of 127.0.0.1, at the same port.
func (s Sites) allows(r *http.Request, origin string) bool {
	from, err := url.Parse(origin)
	if err != nil || from.Host == "" {
		return false
	}
	here := &url.URL{Host: r.Host}
	return strings.EqualFold(from.Host, r.Host) ||
		isLoopback(from.Hostname()) && isLoopback(here.Hostname()) && from.Port() == here.Port() ||
		slices.Contains(s.Origins, strings.ToLower(origin))
}

func isLoopback(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

func withPath(r *http.Request, path string) *http.Request {
	r = r.Clone(r.Context())
	if r.URL.RawPath != "" {
		r.URL.RawPath = strings.TrimSuffix(path, r.URL.Path) + r.URL.RawPath
	}
	r.URL.Path = path
	return r
}
