// Package gauge reads what processes use, and sums figures up, for the programs that measure.
package gauge

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

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
	return parseStat(string(text))
}

func parseStat(text string) (stat, error) {
	// The second field is the program's name in parentheses, which may hold anything.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
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

// ProcessorTime is how much a process has used.
func ProcessorTime(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.own, err
}

// FamilyTime is how much a process and its children have used, those that ended included.
func FamilyTime(pid int) (time.Duration, error) {
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

// MachineTime is how much all processors have worked, for whomever.
func MachineTime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseMachineTime(string(text)), nil
}

func parseMachineTime(text string) (total time.Duration) {
	line, _, _ := strings.Cut(text, "\n")
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 { // its name, idle, waiting for a disk; and guests, which count twice
			continue
		}
		ticks, _ := strconv.ParseInt(field, 10, 64)
		total += time.Duration(ticks) * tick
	}
	return total
}

// Memory is how much of a process is in memory now, and was at most, in MB.
func Memory(pid int) (now, peak float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
		switch name {
		case "VmRSS":
			now = kilobytes / 1024
		case "VmHWM":
			peak = kilobytes / 1024
		}
	}
	return now, peak, err
}

// MainProcess is the one of the PostgreSQL whose data are in the folder.
func MainProcess(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cluster", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(line)
}
