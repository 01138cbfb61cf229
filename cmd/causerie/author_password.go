package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"

	"github.com/mattn/go-isatty"

	"causerie/internal/account"
	"causerie/internal/blog"
)

type authorPassword struct {
	Handle        string `arg:"" help:"The author."`
	PasswordStdin bool   `hidden:"" help:"Accepted for scripts; the password always comes from there."`
}

func (p authorPassword) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withAuthor(ctx, config, log, p.Handle, func(app *app, author blog.Author) error {
		password, err := readPassword(ctx, c)
		if errors.Is(err, errNoPassword) {
			return usageError{fmt.Errorf("there is no password: run it in a terminal, or: printf '%%s\\n' PASSWORD | causerie "+
				"author password %s", author.Handle)}
		}
		if err != nil {
			return err
		}
		if author.Password, err = account.HashPassword(password); err != nil {
			return plain(err)
		}
		if err := app.store.SaveAuthor(ctx, author); err != nil {
			return err
		}
		// Somebody else may be signed in with the old password.
		if err := app.store.EndSessions(ctx, author.ID, ""); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s has a new password and was signed out everywhere.\n", author.Name)
		return nil
	})
}

// errNoPassword is the error for an empty standard input.
var errNoPassword = usageError{errors.New("there is no password on standard input: write it there, on one line")}

// longestPassword limits how many bytes are read.
const longestPassword = 4096

// readPassword reads one line. On a terminal the echo is off meanwhile.
func readPassword(ctx context.Context, c *console) (string, error) {
	if file, ok := c.in.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		defer prompt(c.err, file)()
	}
	type answer struct {
		line string
		err  error
	}
	typed := make(chan answer, 1)
	// A read from a terminal cannot be interrupted. In a goroutine it may go on while Ctrl-C restores the echo.
	go func() {
		line, err := bufio.NewReader(io.LimitReader(c.in, longestPassword)).ReadString('\n')
		typed <- answer{strings.TrimRight(line, "\r\n"), err}
	}()
	select {
	case <-ctx.Done():
		return "", errors.New("no password was given; nothing was changed")
	case a := <-typed:
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return "", fmt.Errorf("the password cannot be read: %w", a.err)
		}
		if a.line == "" {
			return "", errNoPassword
		}
		return a.line, nil
	}
}

// prompt asks for a password and switches the echo of the terminal off with stty, where that works. restore switches
// it on again.
func prompt(words io.Writer, terminal *os.File) (restore func()) {
	echo := func(mode string) error {
		stty := exec.Command("stty", mode)
		stty.Stdin = terminal
		return stty.Run()
	}
	if echo("-echo") != nil {
		fmt.Fprint(words, "New password (it is shown while you type): ")
		return func() {}
	}
	fmt.Fprint(words, "New password (it is not shown while you type): ")
	return func() {
		fmt.Fprintln(words) // the newline that was typed was not shown either
		echo("echo")
	}
}
