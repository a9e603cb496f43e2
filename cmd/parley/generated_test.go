package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// model is the program's commands and flags.
func model(t testing.TB, extra ...kong.Option) *kong.Kong {
	t.Helper()
	parser, err := kong.New(&commands{}, append(options, extra...)...)
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

func generated(t testing.TB, name string) string {
	t.Helper()
	var text strings.Builder
	if err := generate(&text, name, model(t).Model); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// Each text has a part for each command, with all of its flags.
func TestGeneratedTextsAreComplete(t *testing.T) {
	t.Parallel()
	app := model(t).Model
	for name, begins := range map[string]string{
		"zsh": "\n\t\tCOMMAND)\n", "fish": "subcommand -a COMMAND ", "man": ".SS \\fBparley COMMAND",
	} {
		rest := strings.NewReplacer(`\-`, "-", " -l ", " --").Replace(generated(t, name))
		for _, flag := range app.Flags {
			if !strings.Contains(rest, "--"+flag.Name) {
				t.Errorf("%s: --%s is missing", name, flag.Name)
			}
		}
		for i := len(app.Children) - 1; i >= 0; i-- {
			command := app.Children[i]
			if len(command.Children) > 0 {
				t.Errorf("%s has commands of its own, for which the templates have no place", command.Name)
			}
			at := strings.LastIndex(rest, strings.Replace(begins, "COMMAND", command.Name, 1))
			if at < 0 {
				t.Errorf("%s: the command %s is missing", name, command.Name)
				continue
			}
			for _, flag := range command.Flags {
				if !strings.Contains(rest[at:], "--"+flag.Name) {
					t.Errorf("%s: --%s of %s is missing", name, flag.Name, command.Name)
				}
			}
			rest = rest[:at]
		}
	}
}

func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "parley.bash")
	if err := os.WriteFile(script, []byte(generated(t, "bash")), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"parley s":                            "serve",
		"parley ex":                           "export",
		"parley --log-l":                      "--log-level",
		"parley --log-level ":                 "debug info warn error",
		"parley --log-level = w":              "warn",
		"parley --log-level debug ser":        "serve",
		"parley --log-level = debug ser":      "serve",
		"parley serve --tls-":                 "--tls-cert --tls-key",
		"parley serve --tls-key ":             "FILES",
		"parley serve --addr ":                "",
		"parley serve --log-format ":          "text json",
		"parley serve --only":                 "--only-documents",
		"parley export --format = brief":      "briefing briefing-html",
		"parley export --format =":            strings.Join(formatNames(), " "),
		"parley export ukraine-2025 -o ":      "FILES",
		"parley export ukraine-2025 --format": "--format",
		"parley import --analyst Jo ":         "FILES",
		"parley import --no":                  "--no-prepared-statements",
		"parley completion ":                  "bash zsh fish",
	} {
		if got := completed(t, script, line); got != want {
			t.Errorf("%q is completed by %q, want %q", line, got, want)
		}
	}
	app := model(t).Model
	commands := completed(t, script, "parley ") + " "
	for _, command := range app.Children {
		flags := completed(t, script, "parley "+command.Name+" --") + " "
		for _, flag := range slices.Concat(command.Flags, app.Flags) {
			if !strings.Contains(flags, "--"+flag.Name+" ") {
				t.Errorf("--%s of %s is missing in %q", flag.Name, command.Name, flags)
			}
		}
		if !strings.Contains(commands, command.Name+" ") {
			t.Errorf("%s is missing in %q", command.Name, commands)
		}
	}
}

// completed is what the script offers for the last word of a line; FILES if it asks bash to offer files.
func completed(t *testing.T, script, line string) string {
	t.Helper()
	arguments := append([]string{"-c", `source "$0"; compopt() { echo FILES; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _parley; echo ${COMPREPLY[@]}; complete -p parley`, script},
		strings.Split(line, " ")...)
	output, err := exec.Command("bash", arguments...).CombinedOutput()
	offered, found := strings.CutSuffix(string(output), "\ncomplete -F _parley parley\n")
	if err != nil || !found {
		t.Fatalf("for %q bash says %q (%v)", line, output, err)
	}
	return strings.TrimSpace(offered)
}

func TestManualPageRenders(t *testing.T) {
	t.Parallel()
	text := generated(t, "man")
	for line := range strings.Lines(text) {
		if request, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(line, ".") &&
			!strings.Contains(" .TH .nh .ad .SH .SS .TP .B .I ", " "+request+" ") {
			t.Errorf("%q is no request of a manual page", line)
		}
	}
	for _, renderer := range [][]string{{"groff", "-man", "-ww", "-Tascii"}, {"mandoc", "-Wwarning"}} {
		if _, err := exec.LookPath(renderer[0]); err != nil {
			continue
		}
		command := exec.Command(renderer[0], renderer[1:]...)
		command.Stdin = strings.NewReader(text)
		var warnings strings.Builder
		command.Stderr = &warnings
		page, err := command.Output()
		if err != nil || warnings.Len() > 0 || !strings.Contains(string(page), "$PARLEY_MAX_CONNECTIONS") {
			t.Errorf("%s: %v, it warns %q, and shows\n%s", renderer[0], err, warnings.String(), page)
		}
	}
}
