package fedtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"
	"sync"
)

const public = "https://www.w3.org/ns/activitystreams#Public"

// Person is an account on a server, or a group. All methods may be called by several goroutines.
type Person struct {
	Server *Server
	Name   string // the handle is Name@Server.Host
	ID     string
	kind   string

	keyMu        sync.Mutex
	key          *rsa.PrivateKey    // made when first needed
	proofPrivate ed25519.PrivateKey // and this one

	// guarded by Server.mu
	display   string
	left      bool
	aliases   []string // actors who are the same person
	movedTo   string
	follows   map[string]*follow        // by the id of the actor followed
	followers map[string]string         // actor id to inbox
	undoable  map[string]map[string]any // what can be undone, by type and object
	delivered map[string]bool           // inboxes that had a delivery from here
}

type follow struct {
	id    string
	state string
}

// How a follow stands, as told by [Person.Follows].
const (
	// States of a follow; see [Person.FollowState].
	Pending  = "pending"
	Accepted = "accepted"
	Rejected = "rejected"
)

func (p *Person) init() {
	p.display = strings.ToUpper(p.Name[:1]) + p.Name[1:]
	p.follows, p.followers = map[string]*follow{}, map[string]string{}
	p.undoable, p.delivered = map[string]map[string]any{}, map[string]bool{}
}

// Handle returns name@host, without an @ in front.
func (p *Person) Handle() string { return p.Name + "@" + p.Server.Host }

// Inbox returns the address of the personal inbox.
func (p *Person) Inbox() string { return p.ID + "/inbox" }

// Followers returns the id of the followers collection.
func (p *Person) Followers() string { return p.ID + "/followers" }

// URL returns the address of the profile page.
func (p *Person) URL() string { return p.Server.URL + "/@" + p.Name }

// KeyID returns the id of the RSA key that signs this person's requests.
func (p *Person) KeyID() string {
	if p.Server.Software == GoToSocial && p.kind == "Person" {
		return p.ID + "/main-key"
	}
	return p.ID + "#main-key"
}

// PublicPEM returns the public key in PEM form, as the actor document shows it, for a test that stores it beforehand.
func (p *Person) PublicPEM() string { return publicPEM(p.privateKey()) }

func (p *Person) privateKey() *rsa.PrivateKey {
	p.keyMu.Lock()
	defer p.keyMu.Unlock()
	if p.key == nil {
		p.key = p.Server.world.keys.next()
	}
	return p.key
}

// Sent is the result of sending an activity: its ids, and the response of each inbox.
type Sent struct {
	Activity  string
	Object    string // the note, the actor or the activity that it is about
	Responses []Response
}

// PreparedActivity is an activity that is signed for each inbox it goes to.
type PreparedActivity struct {
	Activity   string
	Object     string
	Deliveries []*PreparedDelivery
}

// Send posts the deliveries one after another, also after one failed. The error joins those of all deliveries; it is
// a [*StatusError] for each response that is not 2xx.
func (r *PreparedActivity) Send(ctx context.Context) (Sent, error) {
	sent := Sent{Activity: r.Activity, Object: r.Object}
	var failed []error // collected, since a server that refuses must not keep the others from their delivery
	for _, delivery := range r.Deliveries {
		answer, err := delivery.Send(ctx)
		if err != nil {
			failed = append(failed, err)
		}
		sent.Responses = append(sent.Responses, answer)
	}
	return sent, errors.Join(failed...)
}

// prepareActivity signs an activity for each inbox once, and remembers that these inboxes had a delivery from here.
func (p *Person) prepareActivity(activity map[string]any, inboxes ...string) (*PreparedActivity, error) {
	activity["@context"] = contexts
	activity["actor"] = p.ID
	r := &PreparedActivity{Activity: firstString(activity["id"]), Object: idOf(activity["object"])}
	// One body for all inboxes: every server gets the same bytes.
	body, err := json.Marshal(activity)
	if err != nil {
		return nil, err
	}
	// Several followers may share one inbox.
	slices.Sort(inboxes)
	for _, inbox := range slices.Compact(inboxes) {
		delivery, err := p.Prepare(inbox, body)
		if err != nil {
			return nil, err
		}
		r.Deliveries = append(r.Deliveries, delivery)
		p.Server.mu.Lock()
		p.delivered[inbox] = true
		p.Server.mu.Unlock()
	}
	return r, nil
}

// deliver signs and sends an activity.
func (p *Person) deliver(ctx context.Context, activity map[string]any, inboxes ...string) (Sent, error) {
	r, err := p.prepareActivity(activity, inboxes...)
	if err != nil {
		return Sent{}, err
	}
	return r.Send(ctx)
}

// Send posts any activity to any inbox. Without options it has a valid signature by this person.
func (p *Person) Send(ctx context.Context, inbox string, activity any, options ...SendOption) (Response, error) {
	delivery, err := p.Prepare(inbox, activity, options...)
	if err != nil {
		return Response{}, err
	}
	return delivery.Send(ctx)
}

// LookUp finds an actor by a handle such as ilse@overkant.example, as Mastodon does: by WebFinger, with at most one
// change of the subject, and with a self link that equals the actor's id.
func (p *Person) LookUp(ctx context.Context, handle string) (*Actor, error) {
	handle = strings.TrimPrefix(strings.TrimPrefix(handle, "acct:"), "@")
	subject, self, err := p.webFinger(ctx, handle)
	if err == nil && !strings.EqualFold(subject, "acct:"+handle) {
		handle = strings.TrimPrefix(subject, "acct:")
		var again string
		// A second domain must confirm the subject, or anybody could claim a handle of another domain.
		if again, self, err = p.webFinger(ctx, handle); err == nil && again != subject {
			err = fmt.Errorf("subject %s says that it is %s", subject, again)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", handle, err)
	}
	document, err := p.fetchObject(ctx, self)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", handle, err)
	}
	found := parseActor(document)
	user, _, _ := strings.Cut(handle, "@")
	switch {
	case found.ID != self:
		return nil, fmt.Errorf("look up %s: the self link %s leads to %s", handle, self, found.ID)
	case !strings.EqualFold(found.Handle, user):
		return nil, fmt.Errorf("look up %s: the actor says its name is %q", handle, found.Handle)
	case found.Inbox == "":
		return nil, fmt.Errorf("look up %s: the actor has no inbox", handle)
	}
	found.Handle = handle
	return found, nil
}

// webFinger returns the subject and the self link for a handle.
func (p *Person) webFinger(ctx context.Context, handle string) (subject, self string, err error) {
	_, host, ok := strings.Cut(handle, "@")
	if !ok {
		return "", "", errors.New("not of the form name@host")
	}
	address := "http://" + host + "/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+handle)
	answer, err := p.getFollowing(ctx, address, "application/jrd+json, application/json")
	if err != nil {
		return "", "", err
	}
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "application/jrd+json" &&
		kind != "application/json" {
		return "", "", fmt.Errorf("webfinger has the content type %q", kind)
	}
	var found struct {
		Subject string
		Links   []struct{ Rel, Type, Href string }
	}
	if err := json.Unmarshal(answer.Body, &found); err != nil {
		return "", "", fmt.Errorf("webfinger: %w", err)
	}
	if !strings.HasPrefix(found.Subject, "acct:") {
		return "", "", fmt.Errorf("webfinger has the subject %q", found.Subject)
	}
	for _, link := range found.Links {
		if link.Rel == "self" && isActivity(link.Type) {
			return found.Subject, link.Href, nil
		}
	}
	return "", "", errors.New("webfinger has no self link of an activity type")
}

// fetchActor returns an actor from the server's cache, or fetches it.
func (p *Person) fetchActor(ctx context.Context, id string) (*Actor, error) {
	found, err := p.Server.cache.actor(ctx, p.Server, id)
	if err != nil {
		return nil, fmt.Errorf("actor %s: %w", id, err)
	}
	// The cache is by address, and the document there may be of somebody else.
	if found.ID != id || found.Inbox == "" {
		return nil, fmt.Errorf("actor %s: the document is of %q, inbox %q", id, found.ID, found.Inbox)
	}
	return found, nil
}

// authorOf returns the actor who wrote an object.
func (p *Person) authorOf(ctx context.Context, object string) (*Actor, error) {
	id, err := p.Server.cache.author(ctx, p, object)
	if err != nil {
		return nil, err
	}
	return p.fetchActor(ctx, id)
}

// Follow sends a Follow to the actor's personal inbox. FollowState returns whether it was accepted.
func (p *Person) Follow(ctx context.Context, actorID string) (Sent, error) {
	actor, err := p.fetchActor(ctx, actorID)
	if err != nil {
		return Sent{}, fmt.Errorf("follow: %w", err)
	}
	id := fmt.Sprintf("%s/follows/%d", p.ID, p.Server.world.nextID())
	activity := map[string]any{"id": id, "type": "Follow", "actor": p.ID, "object": actorID}
	p.Server.mu.Lock()
	// Before the request: the Accept may arrive while we still wait for the response.
	p.follows[actorID] = &follow{id: id, state: Pending}
	p.keepForUndo("Follow", actorID, activity)
	p.Server.mu.Unlock()
	return p.deliver(ctx, activity, actor.Inbox)
}

// FollowState returns Pending, Accepted or Rejected, and "" when this person does not follow the actor.
func (p *Person) FollowState(actorID string) string {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	if f := p.follows[actorID]; f != nil {
		return f.state
	}
	return ""
}

// WaitAccepted waits until the actor has accepted this person's last Follow. A Reject is an error.
func (p *Person) WaitAccepted(ctx context.Context, actorID string) error {
	p.Server.mu.Lock()
	f := p.follows[actorID]
	p.Server.mu.Unlock()
	if f == nil {
		return fmt.Errorf("%s does not follow %s", p.Handle(), actorID)
	}
	// Some servers embed the Follow without its id.
	answer, err := p.Server.WaitFor(ctx, func(d Delivery) bool {
		return d.Accepted() && (d.Type == "Accept" || d.Type == "Reject") && d.Actor == actorID &&
			(d.Object == f.id || d.Object == "")
	})
	if err == nil && answer.Type == "Reject" {
		return fmt.Errorf("%s rejected %s", actorID, p.Handle())
	}
	return err
}

// Unfollow sends an Undo of the Follow.
func (p *Person) Unfollow(ctx context.Context, actorID string) (Sent, error) {
	actor, err := p.fetchActor(ctx, actorID)
	if err != nil {
		return Sent{}, fmt.Errorf("unfollow: %w", err)
	}
	p.Server.mu.Lock()
	delete(p.follows, actorID)
	p.Server.mu.Unlock()
	return p.undo(ctx, "Follow", actorID, actor.Inbox)
}

// Like sends a Like to the author of an object.
func (p *Person) Like(ctx context.Context, object string) (Sent, error) {
	return p.react(ctx, "Like", object, nil)
}

// Unlike sends an Undo of the Like.
func (p *Person) Unlike(ctx context.Context, object string) (Sent, error) {
	return p.unreact(ctx, "Like", object)
}

// React sends an emoji to the author of an object: as an EmojiReact, or from Misskey as a Like with content.
func (p *Person) React(ctx context.Context, object, emoji string) (Sent, error) {
	if p.Server.Software == Misskey {
		return p.react(ctx, "Like", object, map[string]any{"content": emoji, "_misskey_reaction": emoji})
	}
	return p.react(ctx, "EmojiReact", object, map[string]any{"content": emoji})
}

// Unreact sends an Undo of the emoji.
func (p *Person) Unreact(ctx context.Context, object string) (Sent, error) {
	if p.Server.Software == Misskey {
		return p.unreact(ctx, "Like", object)
	}
	return p.unreact(ctx, "EmojiReact", object)
}

// Boost sends an Announce to the author of an object and to this person's followers.
func (p *Person) Boost(ctx context.Context, object string) (Sent, error) {
	author, err := p.authorOf(ctx, object)
	if err != nil {
		return Sent{}, fmt.Errorf("boost: %w", err)
	}
	activity := map[string]any{
		"id": p.newNoteID() + "/activity", "type": "Announce", "actor": p.ID, "object": object,
		"published": timestamp(p.Server.world.config.Now()), "to": []string{public}, "cc": []string{p.Followers(), author.ID},
	}
	p.Server.mu.Lock()
	p.keepForUndo("Announce", object, activity)
	inboxes := append(p.followerInboxes(), author.DeliverTo())
	p.Server.mu.Unlock()
	return p.deliver(ctx, activity, inboxes...)
}

// Unboost sends an Undo of the Announce.
func (p *Person) Unboost(ctx context.Context, object string) (Sent, error) {
	return p.unreact(ctx, "Announce", object)
}

func (p *Person) react(ctx context.Context, kind, object string, more map[string]any) (Sent, error) {
	author, err := p.authorOf(ctx, object)
	if err != nil {
		return Sent{}, fmt.Errorf("%s: %w", strings.ToLower(kind), err)
	}
	activity := map[string]any{
		// Like Mastodon's, these ids are fragments of the actor: nobody can fetch the activity.
		"id": fmt.Sprintf("%s#likes/%d", p.ID, p.Server.world.nextID()), "type": kind, "actor": p.ID, "object": object,
	}
	maps.Copy(activity, more)
	p.Server.mu.Lock()
	p.keepForUndo(kind, object, activity)
	p.Server.mu.Unlock()
	return p.deliver(ctx, activity, author.DeliverTo())
}

func (p *Person) unreact(ctx context.Context, kind, object string) (Sent, error) {
	author, err := p.authorOf(ctx, object)
	if err != nil {
		return Sent{}, fmt.Errorf("undo %s: %w", strings.ToLower(kind), err)
	}
	inboxes := []string{author.DeliverTo()}
	if kind == "Announce" {
		p.Server.mu.Lock()
		inboxes = append(inboxes, p.followerInboxes()...)
		p.Server.mu.Unlock()
	}
	return p.undo(ctx, kind, object, inboxes...)
}

// keepForUndo keeps a copy of an activity, since an Undo embeds it. Server.mu is held.
func (p *Person) keepForUndo(kind, object string, activity map[string]any) {
	p.undoable[kind+" "+object] = maps.Clone(activity)
}

func (p *Person) undo(ctx context.Context, kind, object string, inboxes ...string) (Sent, error) {
	p.Server.mu.Lock()
	done := p.undoable[kind+" "+object]
	// Once: a second Undo is a mistake of the test, and fails below.
	delete(p.undoable, kind+" "+object)
	p.Server.mu.Unlock()
	if done == nil {
		return Sent{}, fmt.Errorf("undo: %s has sent no %s of %s", p.Handle(), kind, object)
	}
	return p.deliver(ctx, map[string]any{"id": firstString(done["id"]) + "/undo", "type": "Undo", "object": done,
		"to": []string{public}}, inboxes...)
}

// UpdateProfile changes the display name and sends an Update to followers and to every inbox that had a delivery from
// here.
func (p *Person) UpdateProfile(ctx context.Context, name string) (Sent, error) {
	p.Server.mu.Lock()
	p.display = name
	p.Server.mu.Unlock()
	// Outside the lock, which document takes itself.
	document := p.document()
	return p.deliver(ctx, map[string]any{
		"id": fmt.Sprintf("%s#updates/%d", p.ID, p.Server.world.nextID()), "type": "Update", "object": document,
		"to": []string{public},
	}, p.knownInboxes()...)
}

// SetAlsoKnownAs sets the aliases in the profile, and sends nothing.
func (p *Person) SetAlsoKnownAs(actors ...string) {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	p.aliases = actors
}

// Move sends a Move to another actor, to followers and to every inbox that had a delivery from here.
func (p *Person) Move(ctx context.Context, target string) (Sent, error) {
	p.Server.mu.Lock()
	// Before the request: a receiver fetches the actor to check the Move.
	p.movedTo = target
	p.Server.mu.Unlock()
	return p.deliver(ctx, map[string]any{
		"id": fmt.Sprintf("%s#moves/%d", p.ID, p.Server.world.nextID()), "type": "Move", "object": p.ID, "target": target,
		"to": []string{p.Followers()},
	}, p.knownInboxes()...)
}

// followMoved follows the new actor of one who moved and unfollows the old one, as Mastodon does.
func (p *Person) followMoved(ctx context.Context, from, to string) error {
	document, err := p.fetchObject(ctx, to)
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	// Without this alias anybody could send the followers of an actor to another one.
	if !slices.Contains(idsOf(document["alsoKnownAs"]), from) {
		return nil
	}
	if _, err := p.Follow(ctx, to); err != nil {
		return err
	}
	_, err = p.Unfollow(ctx, from)
	return err
}

// RotateKeys replaces both keys under the same key ids, and sends nothing. A receiver finds that the next signature
// does not fit its cached key, and must fetch the key again. UpdateProfile announces the new keys.
func (p *Person) RotateKeys() {
	key := p.Server.world.keys.fresh()
	p.keyMu.Lock()
	defer p.keyMu.Unlock()
	p.key, p.proofPrivate = key, nil
}

// DeleteAccount deletes the account: its actor and notes answer 410, and followers and every inbox that had a
// delivery from here get a Delete of the actor.
func (p *Person) DeleteAccount(ctx context.Context) (Sent, error) {
	p.Server.mu.Lock()
	// Before the request: a receiver that looks must find 410.
	p.left = true
	for _, n := range p.Server.notes {
		if n.author == p {
			n.gone = true
		}
	}
	p.Server.mu.Unlock()
	return p.deliver(ctx, map[string]any{"id": p.ID + "#delete", "type": "Delete", "object": p.ID, "to": []string{public}},
		p.knownInboxes()...)
}

// Return brings a deleted account back under the same id, and sends nothing. What it had stays deleted.
func (p *Person) Return() {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	p.left = false
}

// knownInboxes returns the inboxes of followers and those that had a delivery from here.
func (p *Person) knownInboxes() []string {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	return append(slices.Collect(maps.Keys(p.delivered)), p.followerInboxes()...)
}

// followerInboxes returns the inboxes of followers. Server.mu is held.
func (p *Person) followerInboxes() []string { return slices.Collect(maps.Values(p.followers)) }

// accept stores a follower and sends an Accept to their personal inbox. Later deliveries go to the shared one.
func (p *Person) accept(ctx context.Context, follower string, request map[string]any) error {
	actor, err := p.fetchActor(ctx, follower)
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	// Before the Accept is sent: a test that has seen it may post at once.
	p.Server.mu.Lock()
	p.followers[follower] = actor.DeliverTo()
	p.Server.mu.Unlock()
	_, err = p.deliver(ctx, map[string]any{
		"id": fmt.Sprintf("%s#accepts/follows/%d", p.ID, p.Server.world.nextID()), "type": "Accept", "to": []string{follower},
		"object": map[string]any{"id": request["id"], "type": "Follow", "actor": follower, "object": p.ID},
	}, actor.Inbox)
	return err
}

// SetFollower adds or removes a follower without any activity, as a database does that was restored from a backup.
func (p *Person) SetFollower(actor, inbox string, follows bool) {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	if follows {
		p.followers[actor] = inbox
	} else {
		delete(p.followers, actor)
	}
}
