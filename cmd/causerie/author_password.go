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
	Handle        string `arg:"" help:"Whose password."`
	PasswordStdin bool   `hidden:"" help:"Said for clarity: it always comes from there."`
}

func (p authorPassword) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withAuthor(ctx, config, log, p.Handle, func(app *app, author blog.Author) error {
		password, err := readPassword(ctx, c)
		if err != nil {
			return err
		}
		if author.Password, err = account.HashPassword(password); err != nil {
			return plain(err)
		}
		if err := app.store.SaveAuthor(ctx, author); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s has a new password and was signed out everywhere.\n", author.Name)
		return app.store.EndSessions(ctx, author.ID, "")
	})
}

// longestPassword bounds what is read, in bytes.
const longestPassword = 4096

// readPassword reads one line. A terminal is asked not to show what is typed, and shows again whatever comes of it.
func readPassword(ctx context.Context, c *console) (string, error) {
	if file, ok := c.in.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		defer ask(c.err, file)()
	}
	type answer struct {
		line string
		err  error
	}
	typed := make(chan answer, 1)
	go func() { // a terminal can keep one waiting for ever, and Ctrl-C must reach what is deferred
		line, err := bufio.NewReader(io.LimitReader(c.in, longestPassword)).ReadString('\n')
		typed <- answer{strings.TrimRight(line, "\r\n"), err}
	}()
	select {
	case <-ctx.Done():
		return "", errors.New("no password was given; nothing is changed")
	case a := <-typed:
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", a.err)
		}
		if a.line == "" {
			return "", usageError{errors.New("no password came on standard input: write it there, on one line")}
		}
		return a.line, nil
	}
}

// ask asks for a password, with the terminal's echo off where stty can do that. What it returns puts the echo back.
func ask(words io.Writer, terminal *os.File) (restore func()) {
	echo := func(mode string) error {
		stty := exec.Command("stty", mode)
		stty.Stdin = terminal
		return stty.Run()
	}
	if echo("-echo") != nil {
		fmt.Fprint(words, "New password (it will be seen while you type): ")
		return func() {}
	}
	fmt.Fprint(words, "New password (it is not shown while you type): ")
	return func() {
		fmt.Fprintln(words)
		echo("echo")
	}
}
