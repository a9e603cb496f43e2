// Package examples holds the example data set and the example operations, which the playground opens with.
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

// Demo is the example data set, in the order of import: a made-up first note, the talks of August 2025 as one news report
// tells of them, and a made-up later source, which adds to both and corrects them.
func Demo() []DataSet {
	var sets []DataSet
	for _, name := range []string{"ukraine-2025-first-note.yaml", "ukraine-2025.yaml", "ukraine-2025-update.yaml"} {
		sets = append(sets, DataSet{Name: name, Text: read(dataSets, name)})
	}
	return sets
}

// Operation is an example of what to ask.
type Operation struct {
	Name string
	Text string
}

// Operations are the example operations in the order of their files.
func Operations() []Operation {
	files, err := operations.ReadDir(".")
	if err != nil {
		panic(err) // embedded with the program
	}
	list := make([]Operation, len(files))
	for i, f := range files {
		name := strings.TrimSuffix(path.Base(f.Name()), ".graphql")
		_, name, _ = strings.Cut(name, "-") // the number that puts them in order
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
