package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// parse reads a command line with a configuration file. It returns what was said if that ended the program.
func parse(t *testing.T, text string, args ...string) (c commands, said string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	parser, err := kong.New(&c, append(options, kong.Writers(&output, &output), kong.Exit(func(int) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(append(args, "--config", path))
	if err != nil && output.Len() == 0 {
		t.Fatalf("the file was accepted, but %v", err)
	}
	return c, strings.ReplaceAll(output.String(), path, "parley.yaml")
}

// The flags count more than the environment, and it counts more than the file.
func TestPrecedence(t *testing.T) {
	const text = "addr: 127.0.0.1:1\nallow-host: [file.example]\nmax-connections: 1\ndrain-delay: 1s\ndemo: true\n" +
		"log-level: warn\ndatabase-url: postgres://file/parley\n"
	t.Setenv("PARLEY_MAX_CONNECTIONS", "2")
	t.Setenv("PARLEY_ADDR", "127.0.0.1:2")
	t.Setenv("PARLEY_LOG_LEVEL", "error")
	t.Setenv("DATABASE_URL", "postgres://environment/parley")
	c, said := parse(t, text, "serve", "--addr", "127.0.0.1:3", "--log-level", "debug")
	s := c.Serve
	if said != "" || s.Addr != "127.0.0.1:3" || c.LogLevel.String() != "DEBUG" || s.MaxConnections != 2 ||
		s.DatabaseURL != "postgres://environment/parley" || len(s.AllowHost) != 1 || s.AllowHost[0] != "file.example" ||
		s.DrainDelay.String() != "1s" || !s.Demo || s.Analyst != "Local analyst" {
		t.Errorf("it says %q, and the flags are %+v", said, c)
	}
	t.Setenv("PARLEY_CONFIG", filepath.Join(t.TempDir(), "missing.yaml"))
	if c, said = parse(t, text, "serve"); said != "" || c.Serve.Addr != "127.0.0.1:2" {
		t.Errorf("it says %q, and the address is %q, want that of the environment", said, c.Serve.Addr)
	}
}

func TestConfigFileOfTheEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parley.json")
	if err := os.WriteFile(path, []byte("{\n\t\"public-url\": \"https://parley.example\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PARLEY_CONFIG", path)
	// One file serves all commands.
	for command, url := range map[string]func(commands) string{
		"serve":               func(c commands) string { return c.Serve.PublicURL },
		"export ukraine-2025": func(c commands) string { return c.Export.PublicURL },
		"version":             func(commands) string { return "https://parley.example" },
	} {
		var c commands
		parser, err := kong.New(&c, options...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(command)); err != nil || url(c) != "https://parley.example" {
			t.Errorf("%s: %v, the URL is %q", command, err, url(c))
		}
	}
}

func TestBadConfigFiles(t *testing.T) {
	t.Parallel()
	const url = "postgres://parley:s3cret@db/parley"
	const form = "write each setting as a line such as addr: 127.0.0.1:8080"
	const names = "the settings have the names of the flags that parley serve --help lists"
	for text, says := range map[string]string{
		"# a server\n\nadr: 127.0.0.1:1\n":        `:3: "adr" is not a setting; did you mean "addr"?`,
		"ADDR: 127.0.0.1:1\n":                     `:1: "ADDR" is not a setting; did you mean "addr"?`,
		"data_dir: x\n":                           `:1: "data_dir" is not a setting; did you mean "data-dir"?`,
		"allow-remote: true\n":                    `:1: "allow-remote" is no setting any more; a server that other machines can reach needs a token (parley token create) instead`,
		"statement-limit: 5\n":                    `:1: "statement-limit" is not a setting; ` + names,
		"colour: red\n":                           `:1: "colour" is not a setting; ` + names,
		"config: other.yaml\n":                    `:1: "config" is not a setting; ` + names,
		"addr: a:1\naddr: a:2\n":                  `:2: "addr" is given twice; give it once`,
		"demo: yes\n":                             `:1: "demo" is "yes"; give true or false`,
		"demo: 1\n":                               `:1: "demo" is "1"; give true or false`,
		"max-connections: many\n":                 `:1: "max-connections" is "many"; give a whole number`,
		"max-connections: 1.5\n":                  `:1: "max-connections" is "1.5"; give a whole number`,
		"drain-delay: 10\n":                       `:1: "drain-delay" is "10"; give a duration such as 10s`,
		"log-level: loud\n":                       `:1: "log-level" is "loud"; give one of debug, info, warn, error`,
		"log-format: xml\n":                       `:1: "log-format" is "xml"; give one of text, json`,
		"addr:\n":                                 `:1: "addr" has no value; give a text, or leave the line out`,
		"addr: [a, b]\n":                          `:1: "addr" is not a single value; give a text`,
		"allow-host: {a: b}\n":                    `:1: "allow-host" is not a single value; give a list of texts`,
		"allow-host:\n  - a\n  - [b]\n":           `:2: "allow-host" has an item in line 3 that is not a text; give a list of texts`,
		"just a text\n":                           ":1: the file has no settings; " + form,
		"addr: a:1\n---\naddr: a:2\n":             ":2: the file has more than one document; give one",
		"addr: a:1\ndatabase-url " + url + "\n":   ":2: the file is neither YAML nor JSON; " + form,
		"addr: a:1\ndatabase-url: *s3cret\n":      ": the file is neither YAML nor JSON; " + form,
		"demo: true\ndatabase-url: [" + url + "]": `:2: "database-url" is not a single value; give a text`,
		"{" + url + "}":                           ":1: this is not a setting; " + names,
		"- " + url:                                ":1: the file has no settings; " + form,
	} {
		if _, got := parse(t, text, "serve"); got != "parley: parley.yaml"+says+"\n" {
			t.Errorf("%q: it says\n%s, want\n%s", text, got, says)
		}
	}
	for _, text := range []string{"", "# nothing yet\n", "allow-host: parley.example\n", "analyst: 1\n", "analyst: &me Ann\nallow-host: [*me]\nschema: *me\n"} {
		if _, said := parse(t, text, "serve"); said != "" {
			t.Errorf("%q: it says %q", text, said)
		}
	}
}
