package clients_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// network is what is between a client and a server. It can be cut, and lead to another server.
type network struct {
	url         string
	mu          sync.Mutex
	to          string // an address; empty: the network is cut
	refused     atomic.Int64
	connections map[net.Conn]bool
}

// nowhere is where a network leads that answers like a proxy whose server does not answer.
const nowhere = "http://nowhere"

// newNetwork leads to a server.
func newNetwork(t *testing.T, url string) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{url: "http://" + l.Addr().String(), connections: make(map[net.Conn]bool)}
	n.lead(url)
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
		n.cut()
		carried.Wait()
	})
	return n
}

// lead leads new connections to a server.
func (n *network) lead(url string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.to = strings.TrimPrefix(url, "http://")
}

func (n *network) leads() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return "http://" + n.to
}

// cut breaks all connections, and those to come.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.to = ""
	for c := range n.connections {
		c.Close()
	}
}

// carry passes on what both ends say, until either ends.
func (n *network) carry(client net.Conn) {
	defer client.Close()
	if n.leads() == nowhere {
		client.Read(make([]byte, 1<<16))
		io.WriteString(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		n.refused.Add(1)
		return
	}
	server := n.dial(client)
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

// dial connects to the server; nil if the network is cut.
func (n *network) dial(client net.Conn) net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.to == "" {
		return nil
	}
	server, err := net.Dial("tcp", n.to)
	if err != nil {
		return nil
	}
	n.connections[client], n.connections[server] = true, true
	return server
}
