// Package gauge measures what processes use and summarises figures, for the benchmark programs.
package gauge

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the processor times in /proc. Linux has reported 100 ticks a second for decades.
const tick = 10 * time.Millisecond

// stat is what /proc/PID/stat says about a process.
type stat struct {
	parent         int
	own, inherited time.Duration // processor time of the process, and of its ended children
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

func parseStat(text string) (stat, error) {
	// The second field is the program's name in parentheses, which may contain any characters.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("%q is not a line of /proc/PID/stat", text)
	}
	var numbers [15]int64
	for i := 1; i < len(numbers); i++ {
		numbers[i], _ = strconv.ParseInt(fields[i], 10, 64)
	}
	return stat{
		parent:    int(numbers[1]),
		own:       time.Duration(numbers[11]+numbers[12]) * tick,
		inherited: time.Duration(numbers[13]+numbers[14]) * tick,
	}, nil
}

// ProcessorTime returns the processor time that a process has used.
func ProcessorTime(pid int) (time.Duration, error) {
	s, err := readStat(pid)
	return s.own, err
}

// FamilyTime returns the processor time of a process and its children, including ended ones.
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
		s, err := readStat(child) // the process may have ended meanwhile
		if err == nil && s.parent == pid {
			total += s.own
		}
	}
	return total, nil
}

// MachineTime returns the busy time of all processors together.
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
		// skips the name, idle and disk-wait times, and guest times, which are counted twice
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		ticks, _ := strconv.ParseInt(field, 10, 64)
		total += time.Duration(ticks) * tick
	}
	return total
}

// Memory returns how much memory a process uses, and the most that it has used, in MB.
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

// MainProcess returns the id of the main process of the PostgreSQL whose data are in the folder.
func MainProcess(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cluster", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(line)
}
