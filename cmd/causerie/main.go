// Command causerie runs a blog whose conversation is the fediverse.
//
// This file is the list of what the program can do. Each subcommand has a file of its own, which opens with the help it
// prints; the settings are in config.go, and serve.go is where all rooms are joined.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is what the program calls itself, also to other servers.
const version = "0.1.0"

// commands is everything that can be said to the program.
type commands struct {
	Config `embed:"" group:"settings"`
	Help   helpFlag `short:"h" help:"Show what there is to say, and leave."`

	Serve      serveCommand      `cmd:"" default:"withargs" help:"Run the server. This is what happens without a command."`
	Demo       demoCommand       `cmd:"" help:"Show the whole trip: publish, deliver, receive. Needs and keeps nothing."`
	Author     authorCommand     `cmd:"" help:"Add authors and open the door for them."`
	Article    articleCommand    `cmd:"" help:"Publish Markdown files, list, show, withdraw and delete articles."`
	Site       siteCommand       `cmd:"" help:"Let people follow the whole blog."`
	Series     seriesCommand     `cmd:"" help:"List series, and let people follow one."`
	Comment    commentCommand    `cmd:"" help:"List, approve, hide and delete comments."`
	Deliveries deliveriesCommand `cmd:"" help:"Show which servers have an article, and try again where it failed."`
	Block      blockCommand      `cmd:"" help:"Keep servers and people at a distance: add, remove, list, import, export."`
	Allow      allowCommand      `cmd:"" help:"Name the servers that a confined blog speaks with."`
	Doctor     doctorCommand     `cmd:"" help:"Find out what is wrong, here and as the world sees it, and say what to do."`
	Fetch      fetchCommand      `cmd:"" help:"Show what is understood of a remote post or profile, or why it is refused."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the database to this version; serve does so by itself."`
	Version    versionCommand    `cmd:"" help:"Print the version."`

	Bench benchCommand `cmd:"" hidden:"" help:"Measure a blog."`

	Import  laterCommand `cmd:"" hidden:"" passthrough:"" help:"Comes in a later version."`
	Export  laterCommand `cmd:"" hidden:"" passthrough:"" help:"Comes in a later version."`
	Backup  laterCommand `cmd:"" hidden:"" passthrough:"" help:"Comes in a later version."`
	Restore laterCommand `cmd:"" hidden:"" passthrough:"" help:"Comes in a later version."`
}

// console is where a command reads and speaks.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// Exit statuses, for scripts.
const (
	done     = 0
	failed   = 1 // the thing could not be done
	misusing = 2 // it was asked for in a way that nobody understands
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	status := run(ctx, os.Args[1:], environment(), console{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(status)
}

// run is the whole program: it does what the arguments say and returns the exit status.
func run(ctx context.Context, args, env []string, c console) int {
	if len(args) > 0 && args[0] == "help" { // as many programs have it
		args = append(args[1:], "--help")
	}
	var all commands
	parser, err := newParser(&all, env, c)
	if err != nil {
		return fail(c, failed, err)
	}
	chosen, err := parser.Parse(args)
	if errors.Is(err, errHelped) {
		return done
	}
	if err == nil {
		err = all.Config.complete(env)
	}
	if err != nil {
		return fail(c, misusing, hinted(err, parser.Model))
	}
	chosen.BindTo(ctx, (*context.Context)(nil))
	if err := chosen.Run(&c, all.Config, all.Config.logger(c.err)); err != nil {
		return fail(c, statusOf(err), err)
	}
	return done
}

func statusOf(err error) int {
	if errors.As(err, &usageError{}) {
		return misusing
	}
	return failed
}

func fail(c console, status int, err error) int {
	fmt.Fprintf(c.err, "causerie: %s\n", strings.TrimSpace(err.Error()))
	return status
}

func newParser(all *commands, env []string, c console) (*kong.Kong, error) {
	return kong.New(all,
		kong.Name("causerie"),
		kong.Description("A blog whose conversation is the fediverse."),
		kong.Writers(c.out, c.err),
		kong.NoDefaultHelp(),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 110}),
		kong.ExplicitGroups([]kong.Group{{Key: "settings", Title: "Settings:", Description: settingsIntroduction}}),
		kong.Resolvers(&settingsResolver{env: env}),
		helpTexts,
	)
}

const settingsIntroduction = "Each can be said in three ways, the first of which wins: as a flag (--handle-domain), " +
	"in the environment " +
	"(CAUSERIE_HANDLE_DOMAIN), or in a YAML file (handle-domain: …) named by --config or CAUSERIE_CONFIG."

// helpFlag prints the help of whatever was named before it.
type helpFlag bool

var errHelped = errors.New("help was printed")

// BeforeReset is called by kong when it meets the flag.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if err := ctx.PrintUsage(false); err != nil {
		return err
	}
	return errHelped // an error is kong's only way to end the parsing here
}

// printHelp prints all settings for serve, and for the other commands only those which matter to them. Without a
// command it lists the commands, although serve would be what runs.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if !slices.Contains(ctx.Args, "serve") {
		selected := ctx.Selected()
		if selected != nil && selected.Name == "serve" {
			ctx.Path = ctx.Path[:1]
		}
		shown := shownSettings(selected)
		for _, flag := range ctx.Model.Flags {
			if flag.Group != nil && flag.Group.Key == "settings" {
				flag.Hidden = !slices.Contains(shown, flag.Name)
			}
			if flag.Name == "listen" { // only the demo shows it
				flag.Help = demoListenHelp
			}
		}
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// shownSettings are those that the help of a command lists: which blog is meant, and what else it heeds.
func shownSettings(command *kong.Node) []string {
	shown := []string{"config", "data", "database"}
	switch {
	case command == nil:
	case command.Name == "demo":
		return demoSettings
	case command.Name == "fetch" || command.Name == "doctor":
		return append(shown, "federation-allow")
	}
	return shown
}

// laterCommand keeps a name for what is still to come.
type laterCommand struct {
	Rest []string `arg:"" optional:""`
}

func (laterCommand) Run(chosen *kong.Context) error {
	return fmt.Errorf("“%s” comes in a later version: this is %s", chosen.Selected().Name, version)
}

// logger writes to standard error in the shape that the settings ask for.
func (c Config) logger(to io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.level}
	if c.json {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}
