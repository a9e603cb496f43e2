// Package examples has the example data sets, and the example operations that the playground opens with.
package examples

import (
	"embed"
	"path"
	"strings"
)

//go:embed *.graphql
var operations embed.FS

//go:embed *.yaml
var dataSets embed.FS

// DataSet is a file in the format of docs/data-sets.md.
type DataSet struct {
	Name string
	Text []byte
}

// Demo returns the data set of the demo in the order of import: a made-up first note, the talks of August 2025 as one
// news report describes them, and a made-up later source that adds to both and corrects them.
func Demo() []DataSet {
	return sets("ukraine-2025-first-note.yaml", "ukraine-2025.yaml", "ukraine-2025-update.yaml")
}

// Iran returns the talks on Iran's nuclear programme in the order of import, each as known at a later time: after the
// interim deal of 2013, after the full deal of 2015, and after the American exit of 2018. The demo does not load them.
func Iran() []DataSet { return sets("iran-2013.yaml", "iran-2013-deal.yaml", "iran-2013-exit.yaml") }

func sets(names ...string) []DataSet {
	list := make([]DataSet, len(names))
	for i, name := range names {
		list[i] = DataSet{Name: name, Text: read(dataSets, name)}
	}
	return list
}

// Operation is an example operation.
type Operation struct {
	Name string
	Text string
}

// Operations returns the example operations in the order of their files.
func Operations() []Operation {
	files, err := operations.ReadDir(".")
	if err != nil {
		panic(err) // embedded with the program
	}
	list := make([]Operation, len(files))
	for i, f := range files {
		name := strings.TrimSuffix(path.Base(f.Name()), ".graphql")
		_, name, _ = strings.Cut(name, "-") // the number that orders the files
		list[i] = Operation{Name: strings.ReplaceAll(name, "-", " "), Text: string(read(operations, f.Name()))}
	}
	return list
}

func read(files embed.FS, name string) []byte {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return text
}
