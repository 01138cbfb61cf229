package doctor

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/markup"
	"causerie/internal/remote"
	"causerie/internal/signature"
)

// FetchReport is how the blog reads an actor or a post of another server, and why it would refuse it.
type FetchReport struct {
	Asked   string          `json:"asked"`
	Leads   string          `json:"leads_to,omitempty"` // for a handle: where WebFinger leads
	ID      string          `json:"id,omitempty"`
	Kind    string          `json:"kind,omitempty"` // Note, Article, Person …
	Refused string          `json:"refused,omitempty"`
	Block   string          `json:"block,omitempty"` // limit or refuse, and of whom
	Person  *InspectedActor `json:"person,omitempty"`
	Post    *InspectedPost  `json:"post,omitempty"`
	Proof   string          `json:"proof,omitempty"`
	Notes   []string        `json:"notes,omitempty"` // what the blog would do with it, a sentence each
}

// InspectedActor is a remote actor. Its texts are cleaned of unsafe HTML.
type InspectedActor struct {
	ID                string   `json:"id"`
	Handle            string   `json:"handle"`
	Confirmed         bool     `json:"handle_confirmed"`
	Doubt             string   `json:"handle_doubt,omitempty"` // why it is not confirmed
	Name              string   `json:"name"`
	Summary           string   `json:"summary,omitempty"`
	URL               string   `json:"url,omitempty"`
	Inbox             string   `json:"inbox"`
	SharedInbox       string   `json:"shared_inbox,omitempty"`
	Keys              []string `json:"keys"` // id and kind of each
	MovedTo           string   `json:"moved_to,omitempty"`
	AlsoKnownAs       []string `json:"also_known_as,omitempty"`
	ApprovesFollowers *bool    `json:"approves_followers,omitempty"`
	Discoverable      *bool    `json:"discoverable,omitempty"`
	Indexable         *bool    `json:"indexable,omitempty"`
}

// InspectedPost is a remote post, with the text that the blog would show.
type InspectedPost struct {
	Author      string                 `json:"author"` // id
	Handle      string                 `json:"handle,omitempty"`
	Title       string                 `json:"title,omitempty"`
	Warning     string                 `json:"warning,omitempty"`
	Text        string                 `json:"text"`
	HTML        string                 `json:"html"`
	Language    string                 `json:"language,omitempty"`
	Published   *time.Time             `json:"published,omitempty"`
	Updated     *time.Time             `json:"updated,omitempty"`
	Visibility  blog.CommentVisibility `json:"visibility"`
	URL         string                 `json:"url,omitempty"`
	InReplyTo   string                 `json:"in_reply_to,omitempty"`
	Quotes      string                 `json:"quotes,omitempty"`
	Attachments []InspectedFile        `json:"attachments,omitempty"`
	MayReply    string                 `json:"may_reply,omitempty"` // "" when it does not say
	MayQuote    string                 `json:"may_quote,omitempty"`
}

// InspectedFile is an attachment of a post.
type InspectedFile struct {
	Type string `json:"type"`
	URL  string `json:"url"`
	Alt  string `json:"alt,omitempty"`
}

// inspector fills one FetchReport.
type inspector struct {
	federation.Core
	FetchReport
}

// inspectTime limits all requests of one Inspect together.
const inspectTime = 40 * time.Second

// Inspect fetches what an address or a handle names, with the checks of a real activity, and returns how the blog reads
// it. It saves nothing. A refusal is no error: FetchReport.Refused says why. An error is one of our own, for example of
// the database.
func Inspect(ctx context.Context, b federation.Core, what string) (FetchReport, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectTime)
	defer cancel()
	i := &inspector{Core: b, FetchReport: FetchReport{Asked: what}}
	err := i.look(ctx, what)
	var no refused
	if errors.As(err, &no) {
		i.Refused, err = string(no), nil
	}
	return i.FetchReport, err
}

// refused is the reason of a refusal, in one sentence for a person.
type refused string

func (r refused) Error() string { return string(r) }

func (i *inspector) look(ctx context.Context, what string) error {
	address := what
	if i.ours(what) {
		return refused("this is an address or a handle of the blog itself")
	}
	if !strings.Contains(what, "://") {
		self, subject, err := i.Remote.WebFinger(ctx, what)
		if err != nil {
			return whyNot("WebFinger", what, err)
		}
		i.Leads, address = self+" as @"+subject, self
		if i.ours(self) {
			return refused("the handle leads to an address of this blog, but it is a handle of another server")
		}
	}
	// Before the request: a blocked server must not see one.
	if err := i.block(ctx, address); err != nil {
		return err
	}
	// An address that WebFinger gave must be that of the actor itself.
	lookup := i.lookup
	if i.Leads == "" {
		lookup = i.FetchNamed
	}
	doc, err := lookup(ctx, address)
	if err != nil {
		return whyNot("the server", address, err)
	}
	i.ID, i.Kind = doc.ID(), doc.Type()
	switch {
	case i.Site.Owns(i.ID):
		return refused("it claims the id " + i.ID + ", which belongs to this blog")
	case doc.IsActor():
		return i.person(ctx, doc, address)
	}
	return i.post(ctx, doc)
}

// ours reports whether an address or a handle belongs to this blog.
func (i *inspector) ours(what string) bool {
	_, host, _ := strings.Cut(strings.TrimPrefix(what, "@"), "@")
	return blog.SameOrigin(what, i.Site.URL) || strings.EqualFold(host, i.Site.HandleDomain) ||
		strings.EqualFold(host, i.Site.Host())
}

// lookup fetches a document.
func (i *inspector) lookup(ctx context.Context, address string) (*activity.Document, error) {
	// Lookup, not Fetch: it has the limits for requests that strangers can cause.
	return i.Remote.Lookup(ctx, address)
}

// block adds the block that applies to an address. A refused address is an error, and nothing is fetched from it.
func (i *inspector) block(ctx context.Context, address string) error {
	// The block itself, for the report; Blocked below also knows the allow list.
	over, err := i.Store.StrictestBlock(ctx, blog.HostOf(address), address)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	if err == nil {
		i.Block = string(over.Level) + " " + over.Subject
		if over.Reason != "" {
			i.Block += " (" + over.Reason + ")"
		}
	}
	barred, err := i.Blocked(ctx, i.Store, address)
	switch {
	case err != nil:
		return err
	case barred && over.Level == blog.Refuse:
		return refused(over.Subject + " is blocked here: nothing is fetched from there until “causerie block " +
			"remove " + over.Subject + "”")
	case barred:
		return refused(blog.HostOf(address) + " is not on the list of allowed servers: “causerie allow add " +
			blog.HostOf(address) + "” adds it")
	case over.Level == blog.Limit && !slices.Contains(i.Notes, limited):
		i.Notes = append(i.Notes, limited)
	}
	return nil
}

const limited = "it is limited here: what it sends waits for approval, and is neither counted nor shown before"

// person reads an actor and verifies its handle.
func (i *inspector) person(ctx context.Context, doc *activity.Document, asked string) error {
	actor, err := activity.ParseActor(doc)
	if err != nil {
		return whyNot("the server", doc.ID(), err)
	}
	policies := activity.ParsePolicies(doc)
	p := &InspectedActor{ID: actor.ID, Handle: actor.Handle, Name: actor.Name, Summary: actor.Summary, URL: actor.URL,
		Inbox:       actor.Inbox,
		SharedInbox: actor.SharedInbox, MovedTo: actor.MovedTo, AlsoKnownAs: actor.AlsoKnownAs,
		ApprovesFollowers: policies.ApprovesFollowers,
		Discoverable:      policies.Discoverable, Indexable: policies.Indexable, Keys: []string{}}
	i.Person = p
	for _, key := range actor.Keys {
		p.Keys = append(p.Keys, key.KeyID+" "+kindOfKey(key.PEM))
	}
	if len(actor.Keys) == 0 {
		i.Notes = append(i.Notes, "it lists no key that we can use, so its signatures cannot be verified")
	}
	// WebFinger named one id, and the document has another: so one of them is wrong.
	if i.Leads != "" && actor.ID != asked {
		return refused("the handle leads to " + asked + ", but the actor there has another id: " + actor.ID)
	}
	// Before the handle is checked, which needs one more request and may fail.
	i.proof(doc, actor)
	if handle, err := i.ProvenHandle(ctx, actor); err == nil {
		p.Handle, p.Confirmed = handle, true
	} else {
		p.Doubt = doubt(federation.ClaimedHandle(actor), err)
	}
	return nil
}

// doubt returns why a handle is not confirmed.
func doubt(handle string, err error) string {
	if errors.Is(err, federation.ErrForeign) {
		return "WebFinger leads from @" + handle + " to somebody else"
	}
	var no refused
	// An error of our own is not a refusal. Its text is used as it is.
	errors.As(whyNot("WebFinger", "@"+handle, err), &no)
	return cmp.Or(string(no), err.Error())
}

func kindOfKey(pem string) string {
	key, err := signature.ParsePublicKey(pem)
	switch key := key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("(RSA, %d bits)", key.N.BitLen())
	case ed25519.PublicKey:
		return "(Ed25519)"
	}
	return fmt.Sprintf("(cannot be used: %v)", err)
}

// post reads a post and its author, and says what the blog would do with it.
func (i *inspector) post(ctx context.Context, doc *activity.Document) error {
	post, err := activity.ParseObject(doc)
	switch {
	case err != nil:
		return whyNot("the server", doc.ID(), err)
	case post.Type == federation.Tombstone:
		return refused("its author deleted it")
	case !post.IsPost():
		return refused("it has the type " + post.Type + ", which is neither an actor nor a post")
	}
	// The content is shown even when it is refused below.
	i.describe(post, activity.ParsePolicies(doc))
	switch {
	case post.IsVote():
		return refused("it is a vote in a poll, which only the server of the poll accepts")
	case !blog.SameOrigin(post.ID, post.AttributedTo):
		return refused(fmt.Sprintf("it is attributed to “%s”, who is on another server: a post is only trusted from the "+
			"server of its author", post.AttributedTo))
	}
	if err := i.block(ctx, post.AttributedTo); err != nil {
		return err
	}
	author, err := i.author(ctx, post.AttributedTo)
	if err != nil {
		return err
	}
	i.Post.Handle = author.Handle
	i.proof(doc, author)
	return i.explain(ctx, post)
}

// author fetches the author of a post.
func (i *inspector) author(ctx context.Context, id string) (blog.Actor, error) {
	doc, err := i.lookup(ctx, id)
	if err != nil {
		return blog.Actor{}, refused("its author cannot be fetched: " + whyNot("the server", id, err).Error())
	}
	author, err := federation.ParseActor(doc, id)
	if err != nil {
		return author, refused("its author cannot be fetched: " + whyNot("the server", id, err).Error())
	}
	return author, nil
}

func (i *inspector) describe(post activity.Object, policies activity.Policies) {
	content := i.Content(post, blog.Answering)
	p := &InspectedPost{
		Author: post.AttributedTo, Title: markup.CleanName(post.Name), Warning: content.Warning, Text: content.Plain,
		HTML: content.HTML, Language: content.Language, Updated: post.Updated,
		Visibility: post.Visibility(nil, nil), URL: post.URL, InReplyTo: post.InReplyTo, Quotes: post.Quote,
		MayReply: allowance(policies.CanReply, post.AttributedTo), MayQuote: allowance(policies.CanQuote, post.AttributedTo),
	}
	// nil in JSON, not the year 1, for a post without a date.
	if !post.Published.IsZero() {
		p.Published = &post.Published
	}
	for _, file := range post.Attachments {
		p.Attachments = append(p.Attachments, InspectedFile{cmp.Or(file.MediaType, file.Type), file.URL, file.Alt})
	}
	i.Post = p
}

// allowance describes a rule of an interaction policy; "" when there is none.
func allowance(rule *activity.Rule, author string) string {
	if rule == nil {
		return ""
	}
	who := func(ids []string) string {
		var names []string
		for _, id := range ids {
			switch {
			case activity.Everybody([]string{id}):
				return "everybody"
			// The author may always, so that needs no mention.
			case id == author:
			case strings.HasSuffix(id, "/followers"):
				names = append(names, "followers")
			default:
				names = append(names, id)
			}
		}
		return strings.Join(names, ", ")
	}
	words := cmp.Or(who(rule.Automatic), "nobody but its author")
	if asked := who(rule.Manual); asked != "" && words != "everybody" {
		words += "; " + asked + " after approval"
	}
	return words
}

// explain adds notes about what the blog would do with a post.
func (i *inspector) explain(ctx context.Context, post activity.Object) error {
	note := func(words string) { i.Notes = append(i.Notes, words) }
	if i.Post.Visibility == blog.RestrictedComment {
		note("it is only for followers, or for those it mentions: an author of this blog among them sees it, nobody else " +
			"does, and it is on no page, in no feed and in no count")
	}
	if c, err := i.Store.CommentByAddress(ctx, post.ID); err == nil {
		note("it is stored here since " + c.ArrivedAt.UTC().Format("2 January 2006") + ", and is " + string(c.State))
		// What happened to it is known: where it would be shown is of no interest.
		return nil
	} else if !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	where, err := i.where(ctx, post)
	if where != "" {
		note(where)
	}
	return err
}

// where returns where a post would be shown: under an article, or else in the dashboard of the author whom it
// mentions.
func (i *inspector) where(ctx context.Context, post activity.Object) (string, error) {
	reached, err := i.VoicesNamed(ctx, i.Store, post, activity.Activity{})
	if err != nil {
		return "", err
	}
	otherwise := "is ignored"
	if len(reached) > 0 {
		otherwise = "is kept in the admin for @" + reached[0].Handle + ", whom it mentions, if it is sent here"
	}
	if post.InReplyTo != "" {
		a, _, err := i.ResolveTarget(ctx, i.Store, post.InReplyTo)
		switch {
		case err == nil:
			return "it is a reply in the conversation under " + i.Site.ArticlePage(a), nil
		case !errors.Is(err, blog.ErrNotFound):
			return "", err
		case i.Site.Owns(post.InReplyTo):
			return "it replies to something that does not exist here, so it " + otherwise, nil
		case !i.Site.Owns(post.Quote):
			return "it replies to a post elsewhere: up to sixteen posts above it are fetched; when none of them leads here, " +
				"it " + otherwise, nil
		}
	}
	a, kind, err := i.ArticleAbout(ctx, i.Store, post)
	if errors.Is(err, federation.ErrNotOurs) {
		return "it neither replies to nor mentions an article of this blog, so it " + otherwise, nil
	}
	if err != nil {
		return "", err
	}
	return "it is shown among the comments under " + i.Site.ArticlePage(a) + ", as a " + string(kind), nil
}

// proof verifies the proof of a document with the keys that its owner lists (FEP-8b32).
func (i *inspector) proof(doc *activity.Document, owner blog.Actor) {
	if !doc.HasProof() {
		return
	}
	made, _ := doc.ProofMade()
	by, err := activity.VerifyProof(doc, func(method string) (ed25519.PublicKey, error) {
		for _, listed := range owner.Keys {
			key, err := signature.ParsePublicKey(listed.PEM)
			if public, ok := key.(ed25519.PublicKey); ok && err == nil && listed.KeyID == method {
				return public, nil
			}
		}
		return nil, federation.ErrNoKey
	}, made) // "now" is when it was made: its age does not matter here
	if err != nil {
		i.Proof = "does not hold: " + strings.TrimPrefix(err.Error(), activity.ErrProof.Error()+": ")
		return
	}
	i.Proof = "holds: by " + by + ", made " + made.UTC().Format(time.RFC3339)
}

// whyNot turns the error of a request into a refusal, in one sentence. who names the server that answered, what the
// address or handle. An error of our own is returned unchanged.
func whyNot(who, what string, err error) error {
	say := func(format string, args ...any) error { return refused(fmt.Sprintf(format, args...)) }
	detail := func(base error) string { return federation.DetailOf(err, base) }
	switch {
	case errors.Is(err, remote.ErrHandle):
		return say("“%s” is neither an address nor a handle: write it like https://veerhuis.example/notes/1 or "+
			"@bram@veerhuis.example", what)
	case errors.Is(err, remote.ErrRefused):
		return say("%s is not an address that we fetch: %s. For a private address, give --federation-allow as the server "+
			"has it", what, cmp.Or(detail(remote.ErrRefused), "it leads to a network that is not public"))
	case errors.Is(err, remote.ErrNotFound):
		return say("%s finds nothing for %s (404): it is not there, or not for this blog", who, what)
	case errors.Is(err, remote.ErrGone):
		return say("%s says that %s is gone for good (410)", who, what)
	case errors.Is(err, remote.ErrForbidden):
		return say("%s does not show %s, although the instance actor signed the request: %s", who, what, status(err))
	case errors.Is(err, remote.ErrUnavailable):
		return say("%s of %s is unavailable: %s", who, what, status(err))
	case errors.Is(err, remote.ErrTooOften):
		return say("%s of %s was asked too often: try again in a minute", who, what)
	case errors.Is(err, remote.ErrNotActivity):
		return say("the document at %s is not what we asked for: %s", what,
			cmp.Or(detail(remote.ErrNotActivity), status(err)))
	case errors.Is(err, activity.ErrMalformed):
		return say("the document at %s cannot be read: %s", what, detail(activity.ErrMalformed))
	case errors.Is(err, federation.ErrForeign):
		return say("the document at %s claims what belongs to somebody else%s", what,
			strings.TrimSuffix(": "+detail(federation.ErrForeign), ": "))
	}
	return err
}

// status returns what a server answered, or why it did not answer.
func status(err error) string {
	var answered *remote.StatusError
	var trouble *remote.Unreachable
	switch {
	case errors.As(err, &answered):
		return answered.Error()
	case errors.As(err, &trouble):
		return trouble.Reason
	}
	return err.Error()
}
