package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.org/parley/bench/gauge"
)

// process is a measured server.
type process struct {
	name     string
	address  netip.AddrPort
	cmd      *exec.Cmd
	ended    chan struct{}
	postgres int // process id of its database's main process; 0: none
}

// startProcess starts a program and waits until it logs the address under which it is ready.
func startProcess(ctx context.Context, name string, cmd *exec.Cmd) (*process, error) {
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{name: name, cmd: cmd, ended: make(chan struct{})}
	ready := make(chan string, 1)
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if _, url, ok := strings.Cut(lines.Text(), "http://"); ok && strings.Contains(lines.Text(), "msg=ready") {
				address, _, _ := strings.Cut(url, "/")
				ready <- address
			} else if !strings.Contains(lines.Text(), "level=INFO") {
				fmt.Fprintln(os.Stderr, lines.Text())
			}
		}
		cmd.Wait()
	}()
	select {
	case address := <-ready:
		if p.address, err = netip.ParseAddrPort(address); err == nil {
			return p, nil
		}
	case <-p.ended:
		err = fmt.Errorf("%s ended before it was ready (%s); see its messages above", name, cmd.ProcessState)
	case <-time.After(maxWait):
		err = fmt.Errorf("%s was not ready within %v", name, maxWait)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, p.stop())
}

// stop ends the process.
func (p *process) stop() error {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		p.cmd.Process.Signal(signal)
		select {
		case <-p.ended:
			return nil
		case <-time.After(maxWait / 2):
		}
	}
	return fmt.Errorf("%s can't be stopped", p.name)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// goroutines returns the number of goroutines from the process's metrics; 0 if it does not report them.
func (p *process) goroutines(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address.String()+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, nil
}

// usage is processor time: of the server, of its PostgreSQL, of this process, and of the whole machine.
type usage struct{ server, postgres, client, machine time.Duration }

func (p *process) used() (u usage, err error) {
	var errs [4]error
	u.server, errs[0] = gauge.ProcessorTime(p.pid())
	if p.postgres != 0 {
		u.postgres, errs[1] = gauge.FamilyTime(p.postgres)
	}
	u.client, errs[2] = gauge.ProcessorTime(os.Getpid())
	u.machine, errs[3] = gauge.MachineTime()
	return u, errors.Join(errs[:]...)
}

func (u usage) less(o usage) usage {
	return usage{u.server - o.server, u.postgres - o.postgres, u.client - o.client, u.machine - o.machine}
}

// others returns the processor time of all other processes.
func (u usage) others() time.Duration {
	return max(0, u.machine-u.server-u.postgres-u.client)
}

// memory returns how much memory the process uses, in KiB.
func (p *process) memory() (float64, error) {
	megabytes, _, err := gauge.Memory(p.pid())
	return megabytes * 1024, err
}
