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

// usageError is an error of whoever wrote the command line, found only while doing what it says.
type usageError struct{ error }

// line is a command line that was not understood.
type line struct {
	app    *kong.Application
	chosen *kong.Node // the last command that was named, the program itself where none was
	ctx    *kong.Context
}

// rephrasings turn what the parser says into a sentence that says what to do. said has the groups of the pattern.
var rephrasings = []struct {
	pattern *regexp.Regexp
	say     func(l line, said []string) string
}{
	{regexp.MustCompile(`^unexpected argument (\S+?)(?:, did you mean .*)?$`), line.misnamed},
	{regexp.MustCompile(`^expected (?:one of )?"[a-z]`), line.unfinished},
	{regexp.MustCompile(`^expected "(.*)"$`), line.missing},
	{regexp.MustCompile(`^missing flags: (.*)$`), line.missing},
	{regexp.MustCompile(`^(--\S+): expected \S+ value but got `), line.empty},
	{regexp.MustCompile(`^(\S+) must be one of (?:"",)?(.*) but got "(.*)"$`), line.choice},
	{regexp.MustCompile(`^(--\S+): (?:expected (duration) but|bool value must be .* but) got "(.*?)"`), line.kind},
}

// hinted says of an error of the command line what to do.
func hinted(err error, app *kong.Application) error {
	var inFile fileTrouble
	if errors.As(err, &inFile) { // kong says it of the flag it was asking about, which is any
		return inFile.error
	}
	var parsing *kong.ParseError
	if !errors.As(err, &parsing) {
		return err
	}
	l := line{app: app, chosen: app.Node, ctx: parsing.Context}
	// serve runs without being named, and then was not chosen
	if chosen := l.ctx.Selected(); chosen != nil && (chosen.Name != "serve" || slices.Contains(l.ctx.Args, "serve")) {
		l.chosen = chosen
	}
	for _, r := range rephrasings {
		if said := r.pattern.FindStringSubmatch(err.Error()); said != nil {
			return errors.New(r.say(l, said))
		}
	}
	return err
}

// misnamed says what a word was probably meant to be that stands where a command should, or that it is one too many.
func (l line) misnamed(said []string) string {
	word := said[1]
	var names []string
	for _, command := range l.chosen.Children {
		names = append(names, command.Name)
	}
	place := l.place()
	if len(names) == 0 {
		return fmt.Sprintf("“%s” is one word too many: “%s --help” shows what it takes", word, place)
	}
	before := strings.TrimPrefix(place+" ", "causerie ")
	if near := nearest.Word(word, names); near != "" {
		return fmt.Sprintf("there is no command “%s”; did you mean “%s”?", before+word, before+near)
	}
	return fmt.Sprintf("there is no command “%s”: “%s --help” lists them all", before+word, place)
}

// place is the command as it is typed.
func (l line) place() string { return strings.TrimSpace("causerie " + l.chosen.Path()) }

// unfinished lists what can follow a command that is none by itself.
func (l line) unfinished([]string) string {
	var names []string
	for _, command := range l.chosen.Children {
		if !command.Hidden {
			names = append(names, command.Name)
		}
	}
	return fmt.Sprintf("“%s” needs one word more: %s (“%s --help” says what each does)", l.place(), alternatives(names),
		l.place())
}

// missing names what a command cannot do without.
func (l line) missing(said []string) string {
	return fmt.Sprintf("“%s” needs %s: “%s --help” shows what it takes", l.place(), said[1], l.place())
}

// empty asks for the value of a flag.
func (l line) empty(said []string) string {
	value := "VALUE"
	for _, flag := range l.ctx.Flags() {
		if "--"+flag.Name == said[1] && flag.PlaceHolder != "" {
			value = flag.PlaceHolder
		}
	}
	return fmt.Sprintf("%s needs a value: write %s %s", said[1], said[1], value)
}

// choice lists the words of which one was to be said.
func (l line) choice(said []string) string {
	words := strings.Split(strings.ReplaceAll(said[2], `"`, ""), ",")
	return fmt.Sprintf("%s must be %s, not “%s”", said[1], alternatives(words), said[3])
}

// kind says what a flag wants that got something else.
func (l line) kind(said []string) string {
	want := "true or false"
	if said[2] != "" {
		want = "a length of time such as 30s or 2h"
	}
	return fmt.Sprintf("%s must be %s, not “%s”", said[1], want, said[3])
}

// alternatives joins words as a sentence does: "a, b or c".
func alternatives(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
