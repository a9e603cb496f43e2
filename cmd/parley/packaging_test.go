package main

import (
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// read returns a file of the project.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The example names every flag of serve, and is accepted as it is and with all that it leaves out.
func TestExampleOfAConfigFile(t *testing.T) {
	t.Parallel()
	example := read(t, "packaging/parley.yaml")
	whole := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(example, "$1")
	for _, text := range []string{example, whole} {
		if _, said := parse(t, text, "serve"); said != "" {
			t.Errorf("it says %q of\n%s", said, text)
		}
	}
	app := model(t).Model
	for _, node := range append(app.Children, app.Node) {
		if node.Name != "serve" && node != app.Node {
			continue
		}
		for _, flag := range node.Flags {
			if flag.Name != "help" && flag.Name != "config" && !strings.Contains(whole, "\n"+flag.Name+": ") {
				t.Errorf("%s is missing", flag.Name)
			}
		}
	}
}

// drain is how long a server finishes running requests after the delay of --drain-delay.
const drain = 10 * time.Second

// served reads the command line of a server, and checks that it would accept its address.
func served(t *testing.T, args ...string) serve {
	t.Helper()
	var c commands
	parser, err := kong.New(&c, options...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(args)
	if err != nil || ctx.Command() != "serve" {
		t.Fatalf("%q does not start a server: %v", args, err)
	}
	if err := c.Serve.checkAddresses(); err != nil {
		t.Errorf("%q: %v", args, err)
	}
	return c.Serve
}

type composeFile struct {
	Services map[string]struct {
		Command     []string
		Ports       []string
		Environment map[string]string
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Grace       string                                `yaml:"stop_grace_period"`
		Healthcheck struct{ Test []string }
		Volumes     []string
	}
	Volumes map[string]any
}

func TestCompose(t *testing.T) {
	t.Parallel()
	var file composeFile
	if err := yaml.Unmarshal([]byte(read(t, "compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	parley, database := file.Services["parley"], file.Services["database"]
	s := served(t, parley.Command...)
	_, port, _ := net.SplitHostPort(s.Addr)
	if len(parley.Ports) != 1 || parley.Ports[0] != "127.0.0.1:8080:"+port || len(database.Ports) > 0 {
		t.Errorf("the ports %q and %q are published, want one of this machine only that leads to %s",
			parley.Ports, database.Ports, s.Addr)
	}
	if grace, err := time.ParseDuration(parley.Grace); err != nil || grace <= s.DrainDelay+drain {
		t.Errorf("Parley is killed after %q, want longer than it drains", parley.Grace)
	}
	if parley.DependsOn["database"].Condition != "service_healthy" || len(database.Healthcheck.Test) < 2 {
		t.Errorf("Parley waits for %v, and the database is tested by %q", parley.DependsOn, database.Healthcheck.Test)
	}

	const secret = "${PARLEY_DATABASE_PASSWORD:?write it into the file .env}"
	d := serve{}.database
	d.DatabaseURL = strings.Replace(parley.Environment["PARLEY_DATABASE_URL"], secret, "s3cret", 1)
	u, err := url.Parse(d.DatabaseURL)
	if err := errors.Join(err, d.checkURL()); err != nil {
		t.Fatal(err)
	}
	word, _ := u.User.Password()
	name := database.Environment["POSTGRES_USER"] // which the image also gives to the database
	if u.Hostname() != "database" || word != "s3cret" || database.Environment["POSTGRES_PASSWORD"] != secret ||
		u.User.Username() != name || u.Path != "/"+name {
		t.Errorf("Parley uses %s, and the database is made with %v", u, database.Environment)
	}
	for _, volume := range database.Volumes {
		name, _, _ := strings.Cut(volume, ":")
		if _, declared := file.Volumes[name]; !declared {
			t.Errorf("the volume %s is not declared", name)
		}
	}
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	text := read(t, "Dockerfile")
	last := func(pattern string) string {
		found := regexp.MustCompile(`(?m)^`+pattern+`$`).FindAllStringSubmatch(text, -1)
		if found == nil {
			t.Fatalf("nothing looks like %s", pattern)
		}
		return found[len(found)-1][1]
	}
	list := func(pattern string) (words []string) {
		if err := json.Unmarshal([]byte(last(pattern)), &words); err != nil {
			t.Fatal(err)
		}
		return words
	}
	program := last(`COPY --from=build /parley (\S+)`)
	check, entry := list(`HEALTHCHECK .*CMD (.*)`), list(`ENTRYPOINT (.*)`)
	if entry[0] != program || check[0] != program {
		t.Errorf("the program is %s, but %q and %q are called", program, entry, check)
	}
	served(t, append(entry[1:], list(`CMD (.*)`)...)...)

	var c commands
	parser, err := kong.New(&c, options...)
	if err != nil {
		t.Fatal(err)
	}
	if ctx, err := parser.Parse(check[1:]); err != nil || ctx.Command() != "health <url>" {
		t.Errorf("%q does not ask for the health: %v", check, err)
	}
	u, err := url.Parse(c.Health.URL)
	if err != nil || u.Port() != last(`EXPOSE (\d+)`) ||
		!strings.Contains(read(t, "compose.yaml"), `"0.0.0.0:`+u.Port()+`"`) {
		t.Errorf("the health is asked for at %s (%v), which is not the port that is listened on", c.Health.URL, err)
	}
	if user := last(`USER (\d+):\d+`); user == "0" {
		t.Error("the program runs as root")
	}
	if version := last(`FROM golang:(\d+\.\d+)\S* AS build`); !strings.Contains(read(t, "go.mod"), "\ngo "+version+".") {
		t.Errorf("Go %s builds the image, which is not the version of go.mod", version)
	}
}

// What git ignores does not go into the image, and nothing else is left out: Go would call the program modified.
func TestDockerIgnoresWhatGitDoes(t *testing.T) {
	t.Parallel()
	var want []string
	for line := range strings.Lines(read(t, ".gitignore")) {
		if !strings.HasPrefix(line, "/") {
			line = "**/" + line
		}
		want = append(want, strings.TrimSpace(line))
	}
	_, got, _ := strings.Cut(read(t, ".dockerignore"), "\n") // the comment
	if got := strings.Fields(got); !slices.Equal(got, want) {
		t.Errorf("it leaves out\n%q, want\n%q", got, want)
	}
}

func TestSystemdUnit(t *testing.T) {
	t.Parallel()
	unit := make(map[string]string)
	for line := range strings.Lines(read(t, "packaging/parley.service")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			unit[key] = value
		}
	}
	words := strings.Fields(unit["ExecStart"])
	at := slices.Index(words, "--config")
	if at < 0 || words[at+1] != "/etc/parley/parley.yaml" {
		t.Fatalf("%q does not read the configuration file", words)
	}
	// The file itself is not on this machine; the example is put there.
	c, said := parse(t, read(t, "packaging/parley.yaml"), append(slices.Clone(words[1:at]), words[at+2:]...)...)
	if said != "" {
		t.Fatal(said)
	}
	if want := "/var/lib/" + unit["StateDirectory"]; c.Serve.DataDir != want || unit["WorkingDirectory"] != want {
		t.Errorf("the data is in %s and Parley runs in %s, but only %s can be written",
			c.Serve.DataDir, unit["WorkingDirectory"], want)
	}
	if unit["PrivateTmp"] != "" || unit["ReadWritePaths"] != "/tmp" {
		t.Error("other commands can't reach the socket of the built-in database")
	}
	// The database is asked to stop twice, for half a minute each.
	seconds, err := strconv.Atoi(unit["TimeoutStopSec"])
	if most := c.Serve.DrainDelay + drain + time.Minute; err != nil || time.Duration(seconds)*time.Second <= most {
		t.Errorf("Parley is killed after %q seconds, want more than %v", unit["TimeoutStopSec"], most)
	}
	if files, err := strconv.Atoi(unit["LimitNOFILE"]); err != nil || files < c.Serve.MaxConnections+1100 {
		t.Errorf("%q files may be open, which are too few for %d subscribers", unit["LimitNOFILE"], c.Serve.MaxConnections)
	}
	if unit["KillMode"] != "mixed" {
		t.Error("the database is told to stop before Parley has finished")
	}
}

func TestCommandsOfTheInstallationPage(t *testing.T) {
	t.Parallel()
	blocks := strings.Split(read(t, "docs/install.md"), "```")
	called := regexp.MustCompile(`(?m)(?:^|[ /(])parley ([a-z][^|)"\n]*)`)
	there := strings.NewReplacer("FILE", "packaging_test.go", "/etc/parley/", "../../packaging/")
	found := 0
	for i := 1; i < len(blocks); i += 2 {
		for _, command := range called.FindAllStringSubmatch(blocks[i], -1) {
			found++
			if _, err := model(t).Parse(strings.Fields(there.Replace(command[1]))); err != nil {
				t.Errorf("parley %s: %v", command[1], err)
			}
		}
		if settings, ok := strings.CutPrefix(blocks[i], "yaml\n"); ok {
			if _, said := parse(t, settings, "serve"); said != "" {
				t.Error(said)
			}
		}
	}
	if found < 6 {
		t.Errorf("only %d commands were found", found)
	}
}
