package apitest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Network is what is between a client and a server. It can be cut, be slow, keep what is sent, and lead to another server.
type Network struct {
	Address string // where clients reach it
	Refused atomic.Int64

	t        testing.TB
	carried  sync.WaitGroup
	mu       sync.Mutex
	listener net.Listener             // nil: connections are refused
	to       func() (net.Conn, error) // nil: it is cut
	failing  bool
	links    map[*link]bool
	held     [2]chan struct{} // for each way: closed once what is held goes on; nil: nothing is held
	delay    time.Duration
}

// Way is one of the two ways over a network.
type Way int

// The ways: from the client to the server, and back.
const (
	Requests Way = iota
	Answers
)

// link is a connection of a client, and the one that carries it on to the server.
type link struct {
	client, server net.Conn
	halfClosed     atomic.Bool
}

func (l *link) close() {
	l.client.Close()
	l.server.Close()
}

// NewNetwork makes one that leads to a server.
func NewNetwork(t testing.TB, network, address string) *Network {
	t.Helper()
	n := &Network{Address: "127.0.0.1:0", t: t, links: make(map[*link]bool)}
	n.Lead(network, address)
	t.Cleanup(func() {
		n.Refuse()
		n.carried.Wait()
	})
	return n
}

// Lead leads new connections to a server.
func (n *Network) Lead(network, address string) {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.to, n.failing = func() (net.Conn, error) { return net.Dial(network, address) }, false
	if n.listener == nil {
		n.listen()
	}
}

// listen accepts connections, at the address of before if there was one.
func (n *Network) listen() {
	n.t.Helper()
	Wait(n.t, "the network's address to be free", func() bool {
		l, err := net.Listen("tcp", n.Address)
		n.listener = l
		return err == nil
	})
	l := n.listener
	n.Address = l.Addr().String()
	n.carried.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			n.carried.Go(func() { n.carry(client) })
		}
	})
}

// Fail answers requests over new connections as a proxy does whose server does not answer.
func (n *Network) Fail() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failing = true
}

// Cut breaks all connections, and those to come. What is held is lost.
func (n *Network) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut()
}

func (n *Network) cut() {
	n.to, n.failing = nil, false
	for l := range n.links {
		l.close()
	}
	n.release()
}

// Refuse breaks all connections, and refuses new ones, as a machine does on which nothing listens.
func (n *Network) Refuse() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut()
	if n.listener != nil {
		n.listener.Close()
		n.listener = nil
	}
}

// Hold keeps what is sent these ways, and that a connection ends, until it is released.
func (n *Network) Hold(ways ...Way) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, way := range ways {
		if n.held[way] == nil {
			n.held[way] = make(chan struct{})
		}
	}
}

// Release passes on what was held, and holds nothing any more.
func (n *Network) Release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.release()
}

func (n *Network) release() {
	for way, held := range n.held {
		if held != nil {
			close(held)
			n.held[way] = nil
		}
	}
}

// Delay passes on so much later what is sent either way.
func (n *Network) Delay(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay = d
}

// HalfClose has the server's side of each connection end what it sends, while it still gets what the client sends.
func (n *Network) HalfClose() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.links {
		l.halfClosed.Store(true)
		l.client.(*net.TCPConn).CloseWrite()
	}
}

// carry passes on what both ends say, until either ends.
func (n *Network) carry(client net.Conn) {
	defer client.Close()
	l, failing := n.dial(client)
	if failing {
		client.Read(make([]byte, 1<<16))
		io.WriteString(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		n.Refused.Add(1)
	}
	if l == nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { n.pass(l, Requests) })
	both.Go(func() { n.pass(l, Answers) })
	both.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.links, l)
}

// pass passes on what is sent one way, and that it ends.
func (n *Network) pass(l *link, way Way) {
	defer l.close()
	from, to := l.client, l.server
	if way == Answers {
		from, to = to, from
	}
	buffer := make([]byte, 32<<10)
	for {
		size, err := from.Read(buffer)
		n.await(way)
		lost := way == Answers && l.halfClosed.Load()
		if !lost {
			if _, err := to.Write(buffer[:size]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// await returns when something may go that way.
func (n *Network) await(way Way) {
	n.mu.Lock()
	held, delay := n.held[way], n.delay
	n.mu.Unlock()
	<-time.After(delay) // the network is that slow
	if held != nil {
		<-held
	}
}

// dial connects to the server; nil if there is none.
func (n *Network) dial(client net.Conn) (l *link, failing bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing || n.to == nil {
		return nil, n.failing
	}
	server, err := n.to()
	if err != nil {
		return nil, false
	}
	l = &link{client: client, server: server}
	n.links[l] = true
	return l, false
}
