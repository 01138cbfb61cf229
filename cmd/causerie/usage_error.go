package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"causerie/internal/nearest"
)

// usageError is an error in the command line that is found only when the command runs.
type usageError struct{ error }

// commandLine is a command line that kong could not parse.
type commandLine struct {
	app    *kong.Application
	chosen *kong.Node // the last command that was named; the program itself when none was
	ctx    *kong.Context
}

// rephrasings turn an error message of kong into one that says what to do. kong has no error types for these, so its
// messages are matched. message gets the groups of the pattern.
var rephrasings = []struct {
	pattern *regexp.Regexp
	message func(l commandLine, match []string) string
}{
	{regexp.MustCompile(`^unexpected argument (\S+?)(?:, did you mean .*)?$`), commandLine.misnamed},
	{regexp.MustCompile(`^expected (?:one of )?"[a-z]`), commandLine.incomplete},
	{regexp.MustCompile(`^expected "(.*)"$`), commandLine.missing},
	{regexp.MustCompile(`^missing flags: (.*)$`), commandLine.missing},
	{regexp.MustCompile(`^(--\S+): expected \S+ value but got `), commandLine.empty},
	{regexp.MustCompile(`^(\S+) must be one of (?:"",)?(.*) but got "(.*)"$`), commandLine.choice},
	{regexp.MustCompile(`^(--\S+): (?:expected (duration) but|bool value must be .* but) got "(.*?)"`),
		commandLine.wrongKind},
}

// explain returns the error of a command line with a message that says what to do.
func explain(err error, app *kong.Application) error {
	var inFile settingsFileError
	if errors.As(err, &inFile) { // kong adds the name of the flag that it was resolving, which has nothing to do with it
		return inFile.error
	}
	var parsing *kong.ParseError
	if !errors.As(err, &parsing) {
		return err
	}
	l := commandLine{app: app, chosen: app.Node, ctx: parsing.Context}
	// serve is the default command: it counts only when it was named.
	if chosen := l.ctx.Selected(); chosen != nil && (chosen.Name != "serve" || slices.Contains(l.ctx.Args, "serve")) {
		l.chosen = chosen
	}
	for _, r := range rephrasings {
		if match := r.pattern.FindStringSubmatch(err.Error()); match != nil {
			return errors.New(r.message(l, match))
		}
	}
	return err
}

// misnamed answers an unknown command with the most similar one. A word where none is expected is one too many.
func (l commandLine) misnamed(match []string) string {
	word := match[1]
	var names []string
	for _, command := range l.chosen.Children {
		names = append(names, command.Name)
	}
	path := l.path()
	// The command has no subcommands: the word is an argument too many.
	if len(names) == 0 {
		return fmt.Sprintf("“%s” is one word too many: “%s --help” shows the usage", word, path)
	}
	before := strings.TrimPrefix(path+" ", "causerie ")
	if near := nearest.Word(word, names); near != "" {
		return fmt.Sprintf("there is no command “%s”; did you mean “%s”?", before+word, before+near)
	}
	return fmt.Sprintf("there is no command “%s”: “%s --help” lists all", before+word, path)
}

// path returns the command as it is typed.
func (l commandLine) path() string { return strings.TrimSpace("causerie " + l.chosen.Path()) }

// incomplete lists the subcommands of a command that does nothing alone.
func (l commandLine) incomplete([]string) string {
	var names []string
	for _, command := range l.chosen.Children {
		// Commands of later versions are hidden.
		if !command.Hidden {
			names = append(names, command.Name)
		}
	}
	return fmt.Sprintf("“%s” needs one more word: %s (“%s --help” describes each)", l.path(), alternatives(names),
		l.path())
}

// missing names the arguments or flags that a command requires.
func (l commandLine) missing(match []string) string {
	return fmt.Sprintf("“%s” needs %s: “%s --help” shows the usage", l.path(), match[1], l.path())
}

// empty asks for the value of a flag.
func (l commandLine) empty(match []string) string {
	value := "VALUE"
	for _, flag := range l.ctx.Flags() {
		if "--"+flag.Name == match[1] && flag.PlaceHolder != "" {
			value = flag.PlaceHolder
		}
	}
	return fmt.Sprintf("%s needs a value: write %s %s", match[1], match[1], value)
}

// choice lists the allowed values.
func (l commandLine) choice(match []string) string {
	words := strings.Split(strings.ReplaceAll(match[2], `"`, ""), ",")
	return fmt.Sprintf("%s must be %s, not “%s”", match[1], alternatives(words), match[3])
}

// wrongKind says what kind of value a flag needs.
func (l commandLine) wrongKind(match []string) string {
	want := "true or false"
	if match[2] != "" {
		want = "a duration such as 30s or 2h"
	}
	return fmt.Sprintf("%s must be %s, not “%s”", match[1], want, match[3])
}

// alternatives joins words for a sentence: "a, b or c".
func alternatives(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
