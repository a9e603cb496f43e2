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
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that is measured.
type process struct {
	name     string
	address  netip.AddrPort
	cmd      *exec.Cmd
	ended    chan struct{}
	postgres int // process id of its database's main process; 0: it has none
}

// startProcess starts a program that says in its log, once it is ready, under which address it is reached.
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
		err = fmt.Errorf("%s ended before it was ready (%s); what it said stands above", name, cmd.ProcessState)
	case <-time.After(patience):
		err = fmt.Errorf("%s was not ready within %v", name, patience)
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
		case <-time.After(patience / 2):
		}
	}
	return fmt.Errorf("%s can't be stopped", p.name)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// goroutines is how many the process has, as it tells among its metrics; 0: it does not.
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
	u.server, errs[0] = processorTime(p.pid())
	if p.postgres != 0 {
		u.postgres, errs[1] = familyTime(p.postgres)
	}
	u.client, errs[2] = processorTime(os.Getpid())
	u.machine, errs[3] = machineTime()
	return u, errors.Join(errs[:]...)
}

func (u usage) less(o usage) usage {
	return usage{u.server - o.server, u.postgres - o.postgres, u.client - o.client, u.machine - o.machine}
}

// others is what everybody else has used.
func (u usage) others() time.Duration {
	return max(0, u.machine-u.server-u.postgres-u.client)
}

// tick is the unit of /proc's processor times: every Linux has told programs 100 a second for decades.
const tick = 10 * time.Millisecond

// stat is what /proc/PID/stat says of a process.
type stat struct {
	parent         int
	own, inherited time.Duration // processor time: of its own, and of children that ended
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	// The second field is the program's name in parentheses, which may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("%q is not what /proc tells of a process", text)
	}
	var numbers [15]int64
	for i := 1; i < len(numbers); i++ {
		numbers[i], _ = strconv.ParseInt(fields[i], 10, 64)
	}
	return stat{
		parent: int(numbers[1]), own: time.Duration(numbers[11]+numbers[12]) * tick, inherited: time.Duration(numbers[13]+numbers[14]) * tick,
	}, nil
}

// processorTime is how much a process has used.
func processorTime(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.own, err
}

// familyTime is how much a process and its children have used, those that ended included.
func familyTime(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	if err != nil {
		return 0, err
	}
	total := s.own + s.inherited
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		child, err := strconv.Atoi(filepath.Base(entry))
		if err != nil {
			continue
		}
		s, err := readStat(child) // which may have ended since
		if err == nil && s.parent == pid {
			total += s.own
		}
	}
	return total, nil
}

// machineTime is how much all processors have worked, for whomever.
func machineTime() (total time.Duration, err error) {
	text, err := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 { // its name, idle, waiting for a disk; and guests, which count twice
			continue
		}
		ticks, _ := strconv.ParseInt(field, 10, 64)
		total += time.Duration(ticks) * tick
	}
	return total, err
}

// memory is how much of the process is in memory, in KiB.
func (p *process) memory() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
		}
	}
	return 0, fmt.Errorf("/proc does not tell the memory of %s", p.name)
}

// mainProcess is the one of the PostgreSQL whose data are in the folder.
func mainProcess(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cluster", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(line)
}
