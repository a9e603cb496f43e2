package main

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// socket is a TCP connection that bypasses Go's network poller. Ten thousand of them cost this process one goroutine
// and one system call per delivery, which leaves the processors to the measured server.
type socket int

// dial connects. A receive buffer of 0 means the system's default.
func dial(address netip.AddrPort, receiveBuffer int) (socket, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	s := socket(fd)
	if receiveBuffer > 0 { // must be set before the window is negotiated
		err = os.NewSyscallError("setsockopt",
			syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, receiveBuffer))
	}
	if err == nil {
		err = os.NewSyscallError("connect",
			syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}))
	}
	if err == nil {
		limit := syscall.NsecToTimeval(maxWait.Nanoseconds())
		err = os.NewSyscallError("setsockopt",
			syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit))
	}
	if err != nil {
		s.Close()
		return 0, err
	}
	return s, nil
}

// Read reads the available input. It waits for input until unblock is called; afterwards it returns 0 bytes if there is
// none.
func (s socket) Read(to []byte) (int, error) {
	for {
		switch n, err := syscall.Read(int(s), to); {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return 0, nil
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write writes everything or fails, since a subscriber's messages are short.
func (s socket) Write(b []byte) (int, error) {
	for {
		switch n, err := syscall.Write(int(s), b); {
		case err == syscall.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("write", err)
		case n < len(b):
			return n, io.ErrShortWrite
		default:
			return n, nil
		}
	}
}

// Close closes the connection.
func (s socket) Close() error { return syscall.Close(int(s)) }

func (s socket) unblock() error { return syscall.SetNonblock(int(s), true) }

// port returns the connection's own port.
func (s socket) port() (int, error) {
	name, err := syscall.Getsockname(int(s))
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	inet, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("a connection is %T, not TCP over IPv4", name)
	}
	return inet.Port, nil
}

// poller finds the sockets that can be read.
type poller struct {
	fd     int
	events [256]syscall.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return &poller{fd: fd}, os.NewSyscallError("epoll_create1", err)
}

// Close closes the poller.
func (p *poller) Close() error { return syscall.Close(p.fd) }

// add watches a socket, under a number.
func (p *poller) add(s socket, name int) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(name)} // Fd is free for the caller's use
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, int(s), &event))
}

func (p *poller) remove(s socket) error {
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_DEL, int(s), nil))
}

// wait appends the numbers of the sockets that can be read. It waits for the first of them, up to the limit.
func (p *poller) wait(names []int, limit time.Duration) ([]int, error) {
	n, err := syscall.EpollWait(p.fd, p.events[:], int(limit.Milliseconds()))
	if err != nil && err != syscall.EINTR {
		return names, os.NewSyscallError("epoll_wait", err)
	}
	for _, event := range p.events[:max(n, 0)] {
		names = append(names, int(event.Fd))
	}
	return names, nil
}

// fileLimit returns how many files the process may have open. Go has raised the soft limit to the hard limit.
func fileLimit() (uint64, error) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return limit.Cur, os.NewSyscallError("getrlimit", err)
}
