package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/inbox"
	"causerie/internal/store"
	"causerie/internal/text"
)

type commentCommand struct {
	List    commentList    `cmd:"" help:"List comments, the newest first."`
	Approve commentApprove `cmd:"" help:"Let a comment stand under its article."`
	Hide    commentHide    `cmd:"" help:"Hide a comment from readers."`
	Delete  commentDelete  `cmd:"" help:"Delete a comment for good; an own answer is taken back everywhere."`
	Fetch   commentFetch   `cmd:"" help:"Ask other servers for answers to an article that nobody sent here."`
}

type commentList struct {
	Waiting bool `help:"Only those that wait for approval."`
	JSON    bool `name:"json" help:"Print one JSON object a line."`
}

type commentLine struct {
	ID      blog.ID `json:"id"`
	Kind    string  `json:"kind"` // reply, or quote, mention or link: a post elsewhere about the article
	State   string  `json:"state"`
	Author  string  `json:"author"` // handle
	Article string  `json:"article"`
	Object  string  `json:"object"`
	Arrived string  `json:"arrived"`
	Text    string  `json:"text"`
}

func (l commentList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		filter := store.CommentList{Limit: pageOfList}
		if l.Waiting {
			filter.States = []blog.CommentState{blog.CommentWaiting}
		}
		t := newTable(c.out, l.JSON)
		for {
			comments, err := d.store.Comments(ctx, filter)
			if err != nil {
				return err
			}
			if err := d.printComments(ctx, t, comments); err != nil {
				return err
			}
			if len(comments) < pageOfList {
				return t.flushOr(l.nothing())
			}
			filter.Offset += len(comments)
		}
	})
}

func (l commentList) nothing() string {
	if l.Waiting {
		return "no comment waits"
	}
	return "no comments yet"
}

func (d *desk) printComments(ctx context.Context, t *table, comments []blog.Comment) error {
	var ids []string
	for _, c := range comments {
		ids = append(ids, c.ActorID)
	}
	actors, err := d.store.Actors(ctx, ids)
	if err != nil {
		return err
	}
	articles := map[blog.ID]blog.Article{}
	for _, c := range comments {
		if _, known := articles[c.ArticleID]; !known {
			if articles[c.ArticleID], err = d.store.Article(ctx, c.ArticleID); err != nil {
				return err
			}
		}
		who := "@" + actors[c.ActorID].Handle
		if c.VoiceID != "" {
			voice, err := d.store.Voice(ctx, c.VoiceID)
			if err != nil {
				return err
			}
			who = d.site.Handle(voice.Handle)
		}
		line := commentLine{c.ID, cmp.Or(string(c.Kind), "reply"), string(c.State), who, articles[c.ArticleID].Slug, c.Address, instant(&c.ArrivedAt), c.Plain}
		t.line(line, string(c.ID), line.Kind, line.State, line.Author, line.Article, text.Excerpt(c.Plain, 60))
	}
	return nil
}

// commentNamed is what commands about one comment are given.
type commentNamed struct {
	Comment string `arg:"" help:"Its id, as “causerie comment list” shows it."`
}

type commentApprove struct{ commentNamed }

func (x commentApprove) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return x.act(ctx, c, config, log, "approved: it stands under the article now", func(d *desk, id blog.ID) error {
		return d.outbox.Moderate(ctx, id, blog.CommentShown)
	})
}

type commentHide struct{ commentNamed }

func (x commentHide) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return x.act(ctx, c, config, log, "hidden: readers do not see it any more", func(d *desk, id blog.ID) error {
		return d.outbox.Moderate(ctx, id, blog.CommentHidden)
	})
}

type commentDelete struct{ commentNamed }

func (x commentDelete) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return x.act(ctx, c, config, log, "deleted for good", func(d *desk, id blog.ID) error {
		return d.outbox.DeleteReply(ctx, id)
	})
}

func (x commentNamed) act(ctx context.Context, c *console, config Config, log *slog.Logger, said string, do func(*desk, blog.ID) error) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		err := blog.ErrNotFound
		if blog.ValidID(x.Comment) {
			err = do(d, blog.ID(x.Comment))
		}
		if errors.Is(err, blog.ErrNotFound) {
			return fmt.Errorf("there is no comment “%s”: “causerie comment list” shows them all", x.Comment)
		}
		if err == nil {
			fmt.Fprintln(c.out, said)
		}
		return err
	})
}

type commentFetch struct {
	Article string `arg:"" help:"Its id or its slug."`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

func (commentFetch) Help() string {
	return "An answer to a comment is sent to whoever wrote that comment, and not here. Their servers list it; what they list is fetched from " +
		"its own server and let in by the rules for all comments. The server does this by itself after each comment, ever more rarely for three days."
}

// fetchLine is what came of it, as programs read it.
type fetchLine struct {
	Article string `json:"article"`
	blog.Completion
}

func (x commentFetch) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		a, err := d.find(ctx, x.Article)
		if err != nil {
			return err
		}
		if a.Status != blog.Published || !a.Federates() {
			return fmt.Errorf("“%s” is not out on the network, so nobody can have answered it there", a.Slug)
		}
		keys, err := federation.NewKeyring(d.base())
		if err != nil {
			return err
		}
		in := inbox.NewInbox(d.base(), keys, d.outbox)
		found, err := inbox.NewBackfill(in).Complete(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("the other servers are being asked about “%s” at this moment: try again in a minute", a.Slug)
		}
		if err != nil {
			return err
		}
		t := newTable(c.out, x.JSON)
		words := fmt.Sprintf("asked %s, which list %s: %s", text.Plural(found.Servers, "server", "servers"), text.Plural(found.Listed, "answer", "answers"), text.Plural(found.New, "new comment", "new comments"))
		t.line(fetchLine{a.Slug, found}, words)
		if !x.JSON {
			for _, u := range found.Untaken {
				t.line(nil, fmt.Sprintf("%d not taken: %s (%s)", u.N, u.Why, strings.Join(u.Servers, ", ")))
			}
			if found.Cut {
				t.line(nil, "there is more than one reading may take: say it again to go on")
			}
		}
		return t.flush()
	})
}
