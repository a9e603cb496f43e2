// Command generate writes all that is generated from the schema: what gqlgen makes, and the tables by which package
// graph/level runs it.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
)

func main() {
	log.SetOutput(io.Discard) // gqlgen tells at length what it finds no method for
	if err := generate("gqlgen.yml"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(file string) error {
	cfg, err := config.LoadConfig(file)
	if err != nil {
		return err
	}
	return api.Generate(cfg, api.AddPlugin(levels{}))
}
