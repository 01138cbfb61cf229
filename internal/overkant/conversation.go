package overkant

import (
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/inbox"
	"causerie/internal/fedtest"
)

// FetchComment sends a Create that only names a post by the actor "aaf", and waits until the blog has fetched the
// post as a comment.
func (o *Blog) FetchComment(address string) blog.Comment {
	o.T.Helper()
	// Anybody may mention a post. The blog must fetch it from its own server before it believes it.
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
func (o *Blog) Backfill(a blog.Article) blog.BackfillResult {
	o.T.Helper()
	found, err := inbox.NewBackfill(o.Inbox).Complete(o.Soon(), a.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	return found
}

// CreateNote returns a Create of a public note by a person. change adds members to the note.
func CreateNote(p *fedtest.Person, name, content string, change map[string]any) map[string]any {
	note := map[string]any{"type": "Note", "id": p.ID + "/notes/" + name, "attributedTo": p.ID, "content": content,
		"to":        "as:Public",
		"published": time.Now().UTC().Format(time.RFC3339)}
	for key, value := range change {
		note[key] = value
	}
	return map[string]any{"id": p.ID + "/acts/" + name, "type": "Create", "object": note}
}

// CommentKinds returns the kinds and texts of the comments that readers see, in their order.
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
