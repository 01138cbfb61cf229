package overkant

import (
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/inbox"
	"causerie/internal/fedtest"
)

// FetchComment lets somebody tell the blog of a post of aaf's, which it fetches and takes in as a comment.
func (o *Blog) FetchComment(address string) blog.Comment {
	o.T.Helper()
	kade := o.Server("zilverduin").Person("kade")
	if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
		map[string]any{"id": address + "#create", "type": "Create", "actor": originOf(address) + "/aaf",
			"object": address}); err != nil {
		o.T.Fatal(err)
	}
	var c blog.Comment
	o.Until("the post is fetched", func() (found bool) {
		var err error
		c, err = o.Store.CommentByAddress(o.T.Context(), address)
		return err == nil
	})
	return c
}

func originOf(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// Backfill fetches the replies of an article that nobody sent.
func (o *Blog) Backfill(a blog.Article) blog.Completion {
	o.T.Helper()
	found, err := inbox.NewBackfill(o.Inbox).Complete(o.Soon(), a.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	return found
}

// CreateNote is a public note of a person's, as a Create carries it; change adds to it.
func CreateNote(p *fedtest.Person, name, content string, change map[string]any) map[string]any {
	note := map[string]any{"type": "Note", "id": p.ID + "/notes/" + name, "attributedTo": p.ID, "content": content,
		"to":        "as:Public",
		"published": time.Now().UTC().Format(time.RFC3339)}
	for key, value := range change {
		note[key] = value
	}
	return map[string]any{"id": p.ID + "/acts/" + name, "type": "Create", "object": note}
}

// CommentKinds lists how what stands under an article stands to it, in its order.
func (o *Blog) CommentKinds(a blog.Article) string {
	o.T.Helper()
	var kinds []string
	for _, c := range o.Comments(a) {
		if c.State == blog.CommentShown {
			kinds = append(kinds, "["+string(c.Kind)+"] "+c.Plain)
		}
	}
	return strings.Join(kinds, "|")
}
