package apitest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Network is what is between a client and a server. It can be cut, and lead to another server.
type Network struct {
	Address string // where clients reach it
	Refused atomic.Int64

	mu          sync.Mutex
	to          func() (net.Conn, error) // nil: it is cut
	failing     bool
	connections map[net.Conn]bool
}

// NewNetwork makes one that leads to a server.
func NewNetwork(t testing.TB, network, address string) *Network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{Address: l.Addr().String(), connections: make(map[net.Conn]bool)}
	n.Lead(network, address)
	var carried sync.WaitGroup
	carried.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			carried.Go(func() { n.carry(client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		n.Cut()
		carried.Wait()
	})
	return n
}

// Lead leads new connections to a server.
func (n *Network) Lead(network, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.to, n.failing = func() (net.Conn, error) { return net.Dial(network, address) }, false
}

// Fail answers requests over new connections as a proxy does whose server does not answer.
func (n *Network) Fail() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failing = true
}

// Cut breaks all connections, and those to come.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.to, n.failing = nil, false
	for c := range n.connections {
		c.Close()
	}
}

// carry passes on what both ends say, until either ends.
func (n *Network) carry(client net.Conn) {
	defer client.Close()
	server, failing := n.dial(client)
	if failing {
		client.Read(make([]byte, 1<<16))
		io.WriteString(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		n.Refused.Add(1)
	}
	if server == nil {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			io.Copy(way[0], way[1])
			way[0].Close()
			way[1].Close()
		})
	}
	both.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.connections, client)
	delete(n.connections, server)
}

// dial connects to the server; nil if there is none.
func (n *Network) dial(client net.Conn) (server net.Conn, failing bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing || n.to == nil {
		return nil, n.failing
	}
	server, err := n.to()
	if err != nil {
		return nil, false
	}
	n.connections[client], n.connections[server] = true, true
	return server, false
}
