// Command causerie runs a blog whose conversation is the fediverse.
//
// This file lists the commands. Each subcommand has a file of its own, which begins with its flags and its help. The
// settings are in config.go, and server.go connects all rooms.
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

	"causerie/internal/calmlog"
	"causerie/internal/store"
)

// version is what the program calls itself, also to other servers.
const version = "0.1.0"

// commands are all commands and their common flags, as kong reads them.
type commands struct {
	Config `embed:"" group:"settings"`
	Help   helpFlag `short:"h" help:"Show this help."`

	Serve      serveCommand      `cmd:"" default:"withargs" help:"Run the server. It is the default command."`
	Demo       demoCommand       `cmd:"" help:"Show a blog among three servers: publish, deliver, receive replies."`
	Author     authorCommand     `cmd:"" help:"Add and manage authors."`
	Article    articleCommand    `cmd:"" help:"Publish Markdown files; list, show, withdraw and delete articles."`
	Site       siteCommand       `cmd:"" help:"Let people follow the whole blog, and recommend its authors."`
	Series     seriesCommand     `cmd:"" help:"List series, and let people follow one."`
	Comment    commentCommand    `cmd:"" help:"List, approve, hide and delete comments."`
	Deliveries deliveriesCommand `cmd:"" help:"Show which servers have an article, and retry failed deliveries."`
	Block      blockCommand      `cmd:"" help:"Limit or refuse servers and people."`
	Allow      allowCommand      `cmd:"" help:"Manage the servers that a blog with an allow-list federates with."`
	Doctor     doctorCommand     `cmd:"" help:"Check this machine and the public address, and say what to do."`
	Fetch      fetchCommand      `cmd:"" help:"Show how the blog reads a remote post or profile, or why it refuses it."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the database to this version, as the server does at its start."`
	Version    versionCommand    `cmd:"" help:"Print the version."`

	Bench benchCommand `cmd:"" hidden:"" help:"Measure a blog."`

	Import  laterCommand `cmd:"" hidden:"" passthrough:"" help:"Comes in a later version."`
	Export  laterCommand `cmd:"" hidden:"" passthrough:"" help:"Comes in a later version."`
	Backup  laterCommand `cmd:"" hidden:"" passthrough:"" help:"Comes in a later version."`
	Restore laterCommand `cmd:"" hidden:"" passthrough:"" help:"Comes in a later version."`
}

// console is where a command reads its input and writes its output.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// Exit statuses, for scripts.
const (
	done     = 0
	failed   = 1 // the command could not be carried out
	misusing = 2 // the command line is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // after the first signal: a second one ends the program at once
	status := run(ctx, os.Args[1:], environment(), console{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(status)
}

// run runs the command that args name and returns the exit status.
func run(ctx context.Context, args, env []string, c console) int {
	if len(args) > 0 && args[0] == "help" { // “causerie help author” is “causerie author --help”
		args = append(args[1:], "--help")
	}
	var all commands
	parser, err := newParser(&all, env, c)
	if err != nil {
		return fail(c, failed, err)
	}
	chosen, err := parser.Parse(args)
	if errors.Is(err, errHelped) { // before all other errors: --help works also on an incomplete command line
		return done
	}
	if err != nil {
		return fail(c, misusing, explain(err, parser.Model))
	}
	if err := all.Config.complete(env); err != nil {
		return fail(c, misusing, err)
	}
	chosen.BindTo(ctx, (*context.Context)(nil)) // kong passes it to the Run methods, by its type
	log, endLog := all.Config.logger(c.err)
	defer endLog()
	if err := chosen.Run(&c, all.Config, log); err != nil {
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

// fail prints an error, and what to do about it where the store knows.
func fail(c console, status int, err error) int {
	message := strings.TrimSpace(err.Error())
	if remedy := store.Remedy(err); remedy != "" {
		message += "\n" + strings.ToUpper(remedy[:1]) + remedy[1:] + "."
	}
	fmt.Fprintf(c.err, "causerie: %s\n", message)
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

const settingsIntroduction = "Each setting can be given in three ways. The first one wins: a flag " +
	"(--handle-domain), an environment variable (CAUSERIE_HANDLE_DOMAIN), or a line in a YAML file (handle-domain: …) " +
	"that --config or CAUSERIE_CONFIG names."

// helpFlag prints the help of the command before it.
type helpFlag bool

var errHelped = errors.New("help was printed")

// BeforeReset is called by kong when it meets the flag.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if err := ctx.PrintUsage(false); err != nil {
		return err
	}
	// kong stops parsing only at an error.
	return errHelped // an error is kong's only way to end the parsing here
}

// printHelp prints the help of a command. Only the help of serve lists all settings; that of another command lists
// those that matter to it. Without a command the list of commands is printed, although serve would run.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if !slices.Contains(ctx.Args, "serve") {
		selected := ctx.Selected()
		if selected != nil && selected.Name == "serve" { // the default command, which nobody named
			ctx.Path = ctx.Path[:1]
		}
		shown := shownSettings(selected)
		for _, flag := range ctx.Model.Flags {
			if flag.Group != nil && flag.Group.Key == "settings" {
				flag.Hidden = !slices.Contains(shown, flag.Name)
				flag.Group.Description = settingsIntroduction + " All settings of the server: causerie serve --help"
			}
			if flag.Name == "listen" { // of these commands only the demo shows it
				flag.Help = demoListenHelp
			}
		}
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// shownSettings returns the settings in the help of a command: those that name the blog, and others that the command
// uses.
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

// laterCommand reserves the name of a command of a later version.
type laterCommand struct {
	Rest []string `arg:"" optional:""`
}

func (laterCommand) Run(chosen *kong.Context) error {
	return fmt.Errorf("“%s” comes in a later version; this is version %s", chosen.Selected().Name, version)
}

// logger returns a logger in the format and at the level of the settings. end writes what the log still holds.
func (c Config) logger(to io.Writer) (log *slog.Logger, end func()) {
	options := &slog.HandlerOptions{Level: c.level}
	var handler slog.Handler = slog.NewTextHandler(to, options)
	if c.json {
		handler = slog.NewJSONHandler(to, options)
	}
	calm := calmlog.New(handler)
	return slog.New(calm), calm.Close
}
