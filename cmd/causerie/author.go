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
	"time"

	"github.com/mattn/go-isatty"

	"causerie/internal/account"
	"causerie/internal/blog"
)

type authorCommand struct {
	Add       authorAdd       `cmd:"" help:"Create an author, with keys to sign with."`
	List      authorList      `cmd:"" help:"List all authors, and who moved or is to be deleted."`
	Password  authorPassword  `cmd:"" help:"Set a new password, read from standard input."`
	Link      authorLink      `cmd:"" help:"Print a link that signs an author in, once, within an hour."`
	Disable   authorDisable   `cmd:"" help:"Close the door to an author; what they wrote stays."`
	Rename    authorRename    `cmd:"" help:"Give an author another handle; the old one leads to it."`
	Alias     authorAlias     `cmd:"" help:"Add, remove or list the accounts elsewhere that are the same person."`
	Move      authorMove      `cmd:"" help:"Let an author go on as an account elsewhere, or tell how far that has come."`
	Delete    authorDelete    `cmd:"" help:"Delete an author with everything they wrote."`
	RotateKey authorRotateKey `cmd:"" help:"Give an author new keys to sign with, and tell the followers' servers."`
}

type authorAdd struct {
	Handle        string `arg:"" help:"The name people follow: a–z, 0–9 and _. “causerie author rename” changes it; nobody else ever gets it."`
	Name          string `required:"" help:"The name readers see."`
	Email         string `help:"To sign in with, beside the handle."`
	Role          string `enum:",admin,editor,author,contributor" default:"" help:"What they may do: admin, editor, author or contributor. Default: admin for the first author, else author."`
	PasswordStdin bool   `help:"Read the password from standard input. Without it a sign-in link is printed."`
	JSON          bool   `name:"json" help:"Print one JSON object."`
}

func (a authorAdd) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	password := ""
	if a.PasswordStdin {
		var err error
		if password, err = readPassword(ctx, c); err != nil {
			return err
		}
	}
	return at(ctx, config, log, founded, func(d *desk) error {
		if d.founded {
			d.tellFounded(c)
		}
		role, err := a.role(ctx, d)
		if err != nil {
			return err
		}
		author, err := account.NewAuthor(ctx, d.store, blog.Author{Role: role, Email: a.Email,
			Voice: blog.Voice{Handle: a.Handle, Name: a.Name}}, password, now())
		if errors.Is(err, blog.ErrConflict) {
			return d.taken(ctx, a.Handle)
		}
		if err != nil {
			return plain(err)
		}
		return a.tell(ctx, c, d, author, password == "")
	})
}

// tellFounded says what a first start says of a blog that is new.
func (d *desk) tellFounded(c *console) {
	fmt.Fprintf(c.err, "causerie: a new blog was founded at %s, and is kept in %s\n", d.site.Home(), d.config.keeping())
	if loopback(d.site.URL) {
		fmt.Fprintln(c.err, "causerie: "+onlyHere)
	}
}

// taken says why there can be no new author of a handle.
func (d *desk) taken(ctx context.Context, handle string) error {
	voice, err := d.store.VoiceByHandle(ctx, handle)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return errors.New("the e-mail address is taken: “causerie author list” shows whose it is")
	case err != nil:
		return err
	case voice.RetiredAt != nil:
		return fmt.Errorf("the handle “%s” was that of an author who has left, and stays taken for ever: choose another", handle)
	case voice.Handle != handle:
		return fmt.Errorf("the handle “%s” was that of “%s” before, and leads there for ever: choose another", handle, voice.Handle)
	}
	return fmt.Errorf("the handle “%s” is taken: “causerie author list” and “causerie series list” show whose it is", handle)
}

func (a authorAdd) role(ctx context.Context, d *desk) (blog.Role, error) {
	if a.Role != "" {
		return blog.Role(a.Role), nil
	}
	n, err := d.store.CountAuthors(ctx)
	if n == 0 {
		return blog.Admin, err
	}
	return blog.Writer, err
}

func (a authorAdd) tell(ctx context.Context, c *console, d *desk, author blog.Author, needsLink bool) error {
	line := authorLineOf(d.site, author)
	if needsLink {
		var err error
		if line.Link, err = account.SignInLink(ctx, d.store, d.site, author.ID, now()); err != nil {
			return err
		}
	}
	if a.JSON {
		t := newTable(c.out, true)
		t.line(line)
		return t.flush()
	}
	fmt.Fprintf(c.out, "%s is %s now, as %s.\n", author.Name, d.site.Handle(author.Handle), author.Role)
	if needsLink {
		printLink(c.out, line.Link)
	}
	return nil
}

func printLink(out io.Writer, link string) {
	fmt.Fprintf(out, "This link signs in once, within an hour:\n\n    %s\n\n", link)
}

// authorLine is an author as programs read one.
type authorLine struct {
	ID       blog.ID `json:"id"`
	Handle   string  `json:"handle"`
	Name     string  `json:"name"`
	Role     string  `json:"role"`
	Email    string  `json:"email,omitempty"`
	URL      string  `json:"url"`
	Object   string  `json:"object"` // the ActivityPub id
	Disabled bool    `json:"disabled"`
	MovedTo  string  `json:"moved_to,omitempty"` // the ActivityPub id elsewhere
	Leaves   string  `json:"leaves,omitempty"`   // RFC 3339, when they are to be deleted
	Link     string  `json:"link,omitempty"`
}

func authorLineOf(site blog.Site, a blog.Author) authorLine {
	return authorLine{ID: a.ID, Handle: site.Handle(a.Handle), Name: a.Name, Role: string(a.Role), Email: a.Email,
		URL: site.VoicePage(a.Voice), Object: site.ActorID(a.ID), Disabled: a.DisabledAt != nil,
		MovedTo: a.MovedTo, Leaves: instant(a.LeavesAt)}
}

type authorList struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

func (l authorList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		authors, err := d.store.Authors(ctx)
		if err != nil {
			return err
		}
		t := newTable(c.out, l.JSON)
		for _, a := range authors {
			line := authorLineOf(d.site, a)
			state := line.Role
			if line.Disabled {
				state = "disabled"
			}
			t.line(line, line.Handle, line.Name, state, line.Email, d.leavingWords(a))
		}
		return t.flush()
	})
}

// leavingWords says where an author went, or when they are to be deleted; "" for one who stays.
func (d *desk) leavingWords(a blog.Author) string {
	var words []string
	if a.MovedTo != "" {
		words = append(words, "moved to "+a.MovedTo)
	}
	if a.LeavesAt != nil {
		words = append(words, "to be deleted on "+a.LeavesAt.In(d.site.Location()).Format("2 January 2006"))
	}
	return strings.Join(words, ", ")
}

type authorPassword struct {
	Handle        string `arg:"" help:"Whose password."`
	PasswordStdin bool   `hidden:"" help:"Said for clarity: it always comes from there."`
}

func (p authorPassword) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		author, err := d.author(ctx, p.Handle)
		if err != nil {
			return err
		}
		password, err := readPassword(ctx, c)
		if err != nil {
			return err
		}
		if author.Password, err = account.HashPassword(password); err != nil {
			return plain(err)
		}
		if err := d.store.SaveAuthor(ctx, author); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s has a new password and was signed out everywhere.\n", author.Name)
		return d.store.EndSignIns(ctx, author.ID, "")
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
			return "", misuse{errors.New("no password came on standard input: write it there, on one line")}
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

type authorLink struct {
	Handle string `arg:"" help:"Who is to sign in."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

func (l authorLink) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		author, err := d.author(ctx, l.Handle)
		if err != nil {
			return err
		}
		if author.DisabledAt != nil {
			return fmt.Errorf("%s is disabled: “causerie author disable --undo %s” lets them in again", author.Handle, author.Handle)
		}
		link, err := account.SignInLink(ctx, d.store, d.site, author.ID, now())
		if err != nil {
			return err
		}
		if !l.JSON {
			printLink(c.out, link)
			return nil
		}
		t := newTable(c.out, true)
		t.line(struct {
			Link string `json:"link"`
		}{link})
		return t.flush()
	})
}

type authorDisable struct {
	Handle string `arg:"" help:"Who may not sign in any more."`
	Undo   bool   `help:"Let them in again."`
}

func (x authorDisable) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		author, err := d.author(ctx, x.Handle)
		if err != nil {
			return err
		}
		if x.Undo {
			author.DisabledAt = nil
			fmt.Fprintf(c.out, "%s may sign in again.\n", author.Name)
			return d.store.SaveAuthor(ctx, author)
		}
		if err := d.notTheLast(ctx, author); err != nil {
			return err
		}
		at := now()
		author.DisabledAt = &at
		if err := d.store.SaveAuthor(ctx, author); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s was signed out and cannot sign in any more.\n", author.Name)
		return d.store.EndSignIns(ctx, author.ID, "")
	})
}

// notTheLast keeps a blog from being left without anybody who may do everything.
func (d *desk) notTheLast(ctx context.Context, leaving blog.Author) error {
	if leaving.Role != blog.Admin {
		return nil
	}
	others, err := d.store.OtherAdmins(ctx, leaving.ID)
	if err == nil && others == 0 {
		err = fmt.Errorf("%s is the last admin: add another one first", leaving.Handle)
	}
	return err
}

// author finds an author by the handle that they have or had before, with or without what stands around it in a full one.
func (d *desk) author(ctx context.Context, handle string) (blog.Author, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(handle), "@"), "@"+d.site.HandleDomain)
	author, err := d.store.AuthorByName(ctx, name)
	if errors.Is(err, blog.ErrNotFound) {
		author, err = d.renamed(ctx, name)
	}
	if errors.Is(err, blog.ErrNotFound) {
		return author, fmt.Errorf("there is no author “%s”: “causerie author list” shows them all", handle)
	}
	return author, err
}

// renamed finds an author by a handle that they had before.
func (d *desk) renamed(ctx context.Context, handle string) (blog.Author, error) {
	voice, err := d.store.VoiceByHandle(ctx, handle)
	if err != nil {
		return blog.Author{}, err
	}
	return d.store.Author(ctx, voice.ID)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// plain turns an error into a sentence for whoever made the mistake.
func plain(err error) error {
	var invalid blog.Invalid
	if errors.As(err, &invalid) {
		return errors.New(invalid.Error())
	}
	return err
}
