package fedtest

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// note is something that a person here has written.
type note struct {
	id        string
	author    *Person
	inReplyTo string
	quote     string      // the object that it quotes
	asked     *permission // nil unless it asked for one
	html      string
	warning   string
	language  string
	audience  audience
	mentions  []*Actor
	published time.Time
	updated   time.Time // zero until it is edited
	inboxes   []string  // that had the Create
	gone      bool
}

type audience int

const (
	everybody audience = iota
	unlisted
	followersOnly
	direct
)

// NoteOption changes how [Person.Reply], [Person.Post] and the requests write a note.
type NoteOption func(*draft)

type draft struct {
	note
	mentioned []string
}

// Unlisted addresses the note to followers, with the public in cc.
func Unlisted() NoteOption { return func(d *draft) { d.audience = unlisted } }

// FollowersOnly addresses the note to this person's followers and to those mentioned.
func FollowersOnly() NoteOption { return func(d *draft) { d.audience = followersOnly } }

// Direct addresses the note only to those mentioned. A reply mentions the author of its parent.
func Direct() NoteOption { return func(d *draft) { d.audience = direct } }

// ContentWarning hides the note behind a content warning.
func ContentWarning(text string) NoteOption { return func(d *draft) { d.warning = text } }

// Language sets the language of the text, such as "nl". It is "en" otherwise.
func Language(tag string) NoteOption { return func(d *draft) { d.language = tag } }

// Mention mentions and addresses more actors, by their ids.
func Mention(actorIDs ...string) NoteOption {
	return func(d *draft) { d.mentioned = append(d.mentioned, actorIDs...) }
}

// InReplyTo makes a note of [Person.Post] a reply without sending it to the author of its parent: receivers find it
// only at its id.
func InReplyTo(object string) NoteOption { return func(d *draft) { d.inReplyTo = object } }

// NoteID sets the id of the note. Otherwise the server makes one.
func NoteID(id string) NoteOption { return func(d *draft) { d.id = id } }

// PublishedAt sets the date of the note.
func PublishedAt(at time.Time) NoteOption { return func(d *draft) { d.published = at } }

// Reply writes a reply to an object and sends it to the object's author, to those mentioned and (unless direct) to
// this person's followers. It is public unless an option says otherwise. Where the object does not let everybody
// reply, GoToSocial sends it only to its author and those mentioned, until [Person.Permission] is Accepted.
// Sent.Object is the note's id.
func (p *Person) Reply(ctx context.Context, inReplyTo, html string, options ...NoteOption) (Sent, error) {
	r, err := p.PrepareReply(ctx, inReplyTo, html, options...)
	if err != nil {
		return Sent{}, err
	}
	return r.Send(ctx)
}

// PrepareReply writes and signs a reply now, to be sent within the hour. The note is served from now on.
func (p *Person) PrepareReply(ctx context.Context, inReplyTo, html string, options ...NoteOption) (*PreparedActivity,
	error) {
	author, err := p.authorOf(ctx, inReplyTo)
	if err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	asked, err := p.neededPermission(ctx, inReplyTo)
	if err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	reply := func(d *draft) { d.inReplyTo, d.asked = inReplyTo, asked }
	// The caller's options come last, so that they can overrule these.
	options = append([]NoteOption{Mention(author.ID), reply}, options...)
	return p.write(ctx, html, options)
}

// Post writes a note that is no reply, and sends it to followers and to those mentioned. When there are none it is
// sent to nobody and only served at its id, to become the parent of something, for example.
func (p *Person) Post(ctx context.Context, html string, options ...NoteOption) (Sent, error) {
	r, err := p.write(ctx, html, options)
	if err != nil {
		return Sent{}, err
	}
	return r.Send(ctx)
}

// write makes and serves a note and signs its Create.
func (p *Person) write(ctx context.Context, html string, options []NoteOption) (*PreparedActivity, error) {
	d := &draft{note: note{id: p.newNoteID(), author: p, html: html, language: "en",
		published: p.Server.world.config.Now()}}
	for _, option := range options {
		option(d)
	}
	for _, id := range d.mentioned {
		actor, err := p.fetchActor(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("mention: %w", err)
		}
		d.mentions = append(d.mentions, actor)
		d.inboxes = append(d.inboxes, actor.DeliverTo())
	}
	s := p.Server
	s.mu.Lock()
	if d.audience != direct && d.asked == nil {
		d.inboxes = append(d.inboxes, p.followerInboxes()...)
	}
	n := &d.note
	// Served before it is sent: a receiver may fetch it at once.
	s.notes[n.id] = n
	create := n.create()
	s.mu.Unlock()
	s.cache.setAuthor(n.id, p.ID)
	// A copy: prepareActivity sorts its inboxes.
	return p.prepareActivity(create, slices.Clone(n.inboxes)...)
}

// Edit replaces the text of a note and sends an Update to all who had the Create.
func (p *Person) Edit(ctx context.Context, noteID, html string) (Sent, error) {
	s := p.Server
	s.mu.Lock()
	n := s.notes[noteID]
	if n == nil || n.author != p || n.gone {
		s.mu.Unlock()
		return Sent{}, fmt.Errorf("edit: %s has written no note %s", p.Handle(), noteID)
	}
	n.html = html
	// At least a second later: times on the wire have no fractions, and receivers ignore an Update that is not newer.
	n.updated = later(s.world.config.Now(), n.published, n.updated)
	update := map[string]any{
		"id": fmt.Sprintf("%s#updates/%d", n.id, s.world.nextID()), "type": "Update",
		"to": n.to(), "cc": n.cc(), "published": timestamp(n.updated), "object": n.document(),
	}
	s.mu.Unlock()
	return p.deliver(ctx, update, slices.Clone(n.inboxes)...)
}

// later returns now, or the first full second after all times in before.
func later(now time.Time, before ...time.Time) time.Time {
	for _, t := range before {
		if next := t.Truncate(time.Second).Add(time.Second); now.Before(next) {
			now = next
		}
	}
	return now
}

// Delete deletes a note: its id answers 410, and all who had the Create get a Delete with a Tombstone.
func (p *Person) Delete(ctx context.Context, noteID string) (Sent, error) {
	s := p.Server
	s.mu.Lock()
	n := s.notes[noteID]
	if n == nil || n.author != p {
		s.mu.Unlock()
		return Sent{}, fmt.Errorf("delete: %s has written no note %s", p.Handle(), noteID)
	}
	n.gone = true
	s.mu.Unlock()
	return p.deliver(ctx, map[string]any{
		"id": n.id + "#delete", "type": "Delete", "to": []string{public},
		"object": map[string]any{"id": n.id, "type": "Tombstone", "atomUri": n.id},
	}, slices.Clone(n.inboxes)...)
}

func (p *Person) newNoteID() string {
	number := p.Server.world.nextID()
	if p.Server.Software == Misskey {
		return fmt.Sprintf("%s/notes/%x", p.Server.URL, number)
	}
	return fmt.Sprintf("%s/statuses/%d", p.ID, number)
}

// to returns the addresses for "to". Server.mu is held, as in cc.
func (n *note) to() []string {
	switch n.audience {
	case unlisted, followersOnly:
		return []string{n.author.Followers()}
	case direct:
		return n.mentionedIDs()
	}
	return []string{public}
}

func (n *note) cc() []string {
	switch n.audience {
	case unlisted:
		return append([]string{public}, n.mentionedIDs()...)
	case followersOnly:
		return n.mentionedIDs()
	// Empty and not nil, which JSON would write as null.
	case direct:
		return []string{}
	}
	return append([]string{n.author.Followers()}, n.mentionedIDs()...)
}

func (n *note) mentionedIDs() []string {
	ids := make([]string, 0, len(n.mentions))
	for _, m := range n.mentions {
		ids = append(ids, m.ID)
	}
	return ids
}

func (n *note) create() map[string]any {
	return map[string]any{
		"id": n.id + "/activity", "type": "Create", "actor": n.author.ID,
		"published": timestamp(n.published), "to": n.to(), "cc": n.cc(), "object": n.document(),
	}
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
