package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/doctor"
)

type fetchCommand struct {
	What string `arg:"" help:"The id or the page of a post or a profile, or a handle like @bram@veerhuis.example."`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// Help is printed below the command's line by --help.
func (fetchCommand) Help() string {
	return "It fetches the document as the server would, signed by the instance actor and with the same checks. It " +
		"shows the content as the blog would show it, its author and its audience, and what the blog would do with it. " +
		"Nothing is saved. When the blog would refuse it, the reason is printed and the exit status is 1. Some servers " +
		"verify the signature with the key that this blog serves, so run it while the server runs."
}

func (f fetchCommand) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	app, err := openReadOnly(ctx, config, log)
	if err != nil {
		return err
	}
	defer app.close()
	if err := app.connect(ctx, nil); err != nil { // nil: what is learned of the server is not saved
		return err
	}
	found, err := doctor.Inspect(ctx, app.core(), strings.TrimSpace(f.What))
	if err != nil {
		return fmt.Errorf("fetch %s: %w", oneLine(f.What), err)
	}
	if f.JSON {
		out := json.NewEncoder(c.out)
		out.SetEscapeHTML(false)
		err = out.Encode(found)
	} else {
		err = describe(c.out, found)
	}
	if err == nil && found.Refused != "" {
		err = errors.New(oneLine(found.Refused))
	}
	return err
}

// describe prints the report for people.
func describe(out io.Writer, found doctor.FetchReport) error {
	t := newTable(out, false)
	line := func(name string, values ...string) {
		for _, value := range values {
			if value != "" {
				t.line(nil, name, value)
			}
			// Further values stand under the first, without the name.
			name = ""
		}
	}
	line("leads to", found.Leads)
	line("id", found.ID)
	line("kind", found.Kind)
	if found.Person != nil {
		describePerson(line, *found.Person)
	}
	if found.Post != nil {
		describePost(line, *found.Post)
	}
	line("proof", found.Proof)
	line("block", found.Block)
	for _, note := range found.Notes {
		line("note", note)
	}
	return t.flush()
}

func describePerson(line func(string, ...string), p doctor.InspectedActor) {
	confirmed := "confirmed by WebFinger"
	if !p.Confirmed {
		confirmed = "not confirmed: " + p.Doubt
	}
	line("handle", "@"+p.Handle+", "+confirmed)
	line("name", p.Name)
	line("says", strings.Split(p.Summary, "\n")...)
	line("page", p.URL)
	line("inbox", p.Inbox)
	line("shared", p.SharedInbox)
	line("keys", p.Keys...)
	line("moved to", p.MovedTo)
	line("also", p.AlsoKnownAs...)
	line("follow", yesOrNo(p.ApprovesFollowers, "waits for approval", "is accepted at once"))
	line("search", yesOrNo(p.Discoverable, "wants to be found", "does not want to be found"),
		yesOrNo(p.Indexable, "allows search in posts", "does not allow search in posts"))
}

// yesOrNo returns one of two texts; "" for nil.
func yesOrNo(value *bool, yes, no string) string {
	switch {
	case value == nil:
		return ""
	case *value:
		return yes
	}
	return no
}

// audiences are the texts for the visibility of a post.
var audiences = map[blog.CommentVisibility]string{blog.PublicComment: "everybody",
	blog.UnlistedComment:   "everybody, but not listed (unlisted)",
	blog.RestrictedComment: "only followers, or those it mentions"}

func describePost(line func(string, ...string), p doctor.InspectedPost) {
	author := p.Author
	if p.Handle != "" {
		author = "@" + p.Handle + ", " + author
	}
	line("author", author)
	line("title", p.Title)
	line("warning", p.Warning)
	line("text", strings.Split(p.Text, "\n")...)
	line("language", p.Language)
	line("written", onTheDay(p.Published))
	line("edited", onTheDay(p.Updated))
	line("for", audiences[p.Visibility])
	line("page", p.URL)
	line("answers", p.InReplyTo)
	line("quotes", p.Quotes)
	for _, file := range p.Attachments {
		line("with", strings.TrimSpace(file.Type+" "+file.URL+" "+file.Alt))
	}
	line("answer", p.MayReply)
	line("quote", p.MayQuote)
}

func onTheDay(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format("2 January 2006, 15:04 MST")
}
