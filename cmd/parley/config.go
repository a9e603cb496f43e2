package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// configFile is the path of a file with values of flags.
type configFile string

// BeforeResolve has kong take the values that are given neither on the command line nor in the environment from the
// file. A bad file ends the program with one sentence, without the help that follows a bad command line.
func (configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	path := string(ctx.FlagValue(trace.Flag).(configFile))
	if path == "" {
		return nil
	}
	read, err := openConfig(path, ctx.Model)
	if err != nil {
		fmt.Fprintln(ctx.Stderr, "parley:", err)
		ctx.Exit(1)
		return err
	}
	ctx.AddResolver(read)
	return nil
}

// config has the values of a configuration file by the names of their flags. Each is a text or a list of texts.
type config map[string]any

// Validate has nothing left to do.
func (config) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a flag. Kong calls it for flags that are not on the command line.
func (c config) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	return c[flag.Name], nil
}

func openConfig(path string, app *kong.Application) (config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the configuration file can't be read: %w", err)
	}
	return readConfig(path, text, app)
}

// readConfig reads the text of a configuration file. Its keys may be flags of any command, so that all commands can
// share a file. Messages quote no free text, since it may contain the database's password.
func readConfig(path string, text []byte, app *kong.Application) (config, error) {
	at := func(line int, format string, arguments ...any) error {
		return fmt.Errorf("%s:%d: %w", path, line, fmt.Errorf(format, arguments...))
	}
	const form = "write each setting as a line such as addr: 127.0.0.1:8080"
	documents := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := documents.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		where := path
		if line := yamlLine.FindStringSubmatch(err.Error()); line != nil {
			where += ":" + line[1]
		}
		return nil, fmt.Errorf("%s: the file is neither YAML nor JSON; %s", where, form)
	}
	if err := documents.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, at(max(more.Line, 1), "the file has more than one document; give one")
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, at(root.Line, "the file has no settings; %s", form)
	}
	flags := flagsByName(app)
	read := make(config)
	for i := 0; i < len(root.Content); i += 2 {
		key, node := root.Content[i], root.Content[i+1]
		flag, ok := flags[key.Value]
		if !ok {
			return nil, at(key.Line, "%s", unknownSetting(key.Value, flags))
		}
		if _, twice := read[key.Value]; twice {
			return nil, at(key.Line, "%q is given twice; give it once", key.Value)
		}
		value, err := settingOf(flag, pointedTo(node))
		if err != nil {
			return nil, at(node.Line, "%q %w", key.Value, err)
		}
		read[key.Value] = value
	}
	return read, nil
}

var (
	yamlLine    = regexp.MustCompile(`line (\d+)`)
	settingName = regexp.MustCompile(`^[\w-]{1,40}$`)
)

// flagsByName returns the flags that can be in a file. One of several commands has the same type in each.
func flagsByName(app *kong.Application) map[string]*kong.Flag {
	flags := make(map[string]*kong.Flag)
	for _, node := range slices.Concat(app.Children, []*kong.Node{app.Node}) {
		for _, flag := range node.Flags {
			flags[flag.Name] = flag
		}
	}
	delete(flags, "help")
	delete(flags, "config")
	return flags
}

// gone are settings of before, and what took their place.
var gone = map[string]string{"allow-remote": "a server that other machines can reach needs a token (parley token create) instead"}

// unknownSetting says that a key is none, and which one was probably meant.
func unknownSetting(key string, flags map[string]*kong.Flag) string {
	const names = "the settings have the names of the flags that parley serve --help lists"
	if !settingName.MatchString(key) { // it may be a URL with a password
		return "this is not a setting; " + names
	}
	if instead := gone[key]; instead != "" {
		return fmt.Sprintf("%q is no setting any more; %s", key, instead)
	}
	nearest, distance := "", math.MaxInt
	for name := range flags {
		d := levenshtein.ComputeDistance(strings.ToLower(key), name)
		if d < distance || d == distance && name < nearest {
			nearest, distance = name, d
		}
	}
	if distance > min(3, 1+len(key)/4) {
		return fmt.Sprintf("%q is not a setting; %s", key, names)
	}
	return fmt.Sprintf("%q is not a setting; did you mean %q?", key, nearest)
}

// settingOf returns the value of a flag as kong takes it.
func settingOf(flag *kong.Flag, node *yaml.Node) (any, error) {
	accepted := acceptedBy(flag.Value)
	if flag.IsSlice() && node.Kind == yaml.SequenceNode {
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			item = pointedTo(item)
			if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				return nil, fmt.Errorf("has an item in line %d that is not a text; give %s", item.Line, accepted)
			}
			list[i] = item.Value
		}
		return list, nil
	}
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		return nil, fmt.Errorf("has no value; give %s, or leave the line out", accepted)
	case node.Kind != yaml.ScalarNode:
		return nil, fmt.Errorf("is not a single value; give %s", accepted)
	}
	if !fits(flag, node) {
		return nil, fmt.Errorf("is %q; give %s", node.Value, accepted)
	}
	return node.Value, nil
}

// pointedTo is what an alias stands for.
func pointedTo(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// fits says whether a flag accepts a value. Every text fits one that takes texts, so that none of those is ever quoted.
func fits(flag *kong.Flag, node *yaml.Node) bool {
	if flag.IsBool() && node.Tag != "!!bool" {
		return false
	}
	if list := choices(flag.Value); list != nil {
		return slices.Contains(list, node.Value)
	}
	scan := kong.Scan().PushTyped(node.Value, kong.FlagValueToken)
	into := reflect.New(flag.Target.Type()).Elem()
	return flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, into) == nil
}

// acceptedBy says what a flag accepts.
func acceptedBy(v *kong.Value) string {
	switch {
	case choices(v) != nil:
		return "one of " + strings.Join(choices(v), ", ")
	case v.IsSlice():
		return "a list of texts"
	case v.IsBool():
		return "true or false"
	case v.Target.Type() == reflect.TypeFor[time.Duration]():
		return "a duration such as 10s"
	case v.Target.CanInt():
		return "a whole number"
	}
	return "a text"
}
