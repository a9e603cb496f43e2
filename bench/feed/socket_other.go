//go:build !linux

package main

import (
	"errors"
	"net/netip"
	"time"
)

// This benchmark needs /proc and epoll, which only Linux has.
var errLinuxOnly = errors.New("the live feed's benchmark needs Linux")

type socket int

func dial(netip.AddrPort, int) (socket, error) { return 0, errLinuxOnly }

func (socket) Read([]byte) (int, error)  { return 0, errLinuxOnly }
func (socket) Write([]byte) (int, error) { return 0, errLinuxOnly }
func (socket) Close() error              { return errLinuxOnly }
func (socket) unblock() error            { return errLinuxOnly }
func (socket) port() (int, error)        { return 0, errLinuxOnly }

type poller struct{}

func newPoller() (*poller, error) { return nil, errLinuxOnly }

func (*poller) Close() error                                     { return errLinuxOnly }
func (*poller) add(socket, int) error                            { return errLinuxOnly }
func (*poller) remove(socket) error                              { return errLinuxOnly }
func (*poller) wait(names []int, _ time.Duration) ([]int, error) { return names, errLinuxOnly }

func fileLimit() (uint64, error) { return 0, errLinuxOnly }
