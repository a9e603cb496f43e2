package main

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

type version struct{}

// Run prints what the program was built from.
func (version) Run() error {
	b, ok := readBuild()
	if !ok {
		return errors.New("the program was built without its version")
	}
	fmt.Println("parley", b.version, b.commit, b.compiler)
	return nil
}

// build is what the program was built from. A commit with changes on top of it ends in "-modified".
type build struct{ version, commit, compiler string }

func readBuild() (build, bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{}, false
	}
	b := build{info.Main.Version, "unknown commit", info.GoVersion}
	modified := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "-modified"
		}
	}
	b.commit += modified
	return b, true
}

// metric has the build in its labels, and is always 1.
func (b build) metric() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "parley_build_info", Help: "What the program was built from; always 1.",
		ConstLabels: prometheus.Labels{"version": b.version, "commit": b.commit, "go": b.compiler},
	}, func() float64 { return 1 })
}
