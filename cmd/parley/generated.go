package main

import (
	"embed"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"
)

type completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell that completes: bash, zsh or fish."`
}

// Run prints a script with which the shell completes commands, flags and their values.
func (c completion) Run(ctx *kong.Context) error { return generate(ctx.Stdout, c.Shell, ctx.Model) }

type man struct{}

// Run prints the manual page.
func (man) Run(ctx *kong.Context) error { return generate(ctx.Stdout, "man", ctx.Model) }

// generate writes a text that is made from the commands and flags. Libraries do this for kong, but their completion runs
// the program at each Tab, from the path that it had when the script was printed; and their manual pages lack arguments
// and variables, and bear the day of printing.
func generate(w io.Writer, name string, app *kong.Application) error {
	return templates.ExecuteTemplate(w, name+".tmpl", app)
}

//go:embed templates
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"choices": choices,
	"isFile":  isFile,
	"help":    kong.DefaultHelpValueFormatter, // with the variables
	"join":    strings.Join,
	"version": func() string {
		b, _ := readBuild()
		return b.version
	},
	// A line of the manual page may break behind any comma.
	"roff": strings.NewReplacer(`\`, `\e`, `-`, `\-`, `,`, `,\:`).Replace,
	"zsh":  strings.NewReplacer(`\`, `\\`, `'`, `'\''`, `:`, `\:`, `[`, `\[`, `]`, `\]`).Replace,
	"fish": strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace,
}).ParseFS(files, "templates/*.tmpl"))

// choices are the values that are accepted, where they can be listed.
func choices(v *kong.Value) []string {
	switch {
	case v.Enum != "":
		return v.EnumSlice()
	case v.Target.Type() == reflect.TypeFor[slog.Level]():
		return []string{"debug", "info", "warn", "error"}
	}
	return nil
}

// isFile says whether the value is the path of a file or a folder.
func isFile(v *kong.Value) bool {
	return v.Tag.Type == "path" || v.Tag.Type == "existingfile" || v.Tag.PlaceHolder == "FILE"
}
