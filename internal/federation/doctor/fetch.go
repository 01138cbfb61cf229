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
		return refused("this is of the blog itself, which asks nobody about what is its own")
	}
	if !strings.Contains(what, "://") {
		self, subject, err := i.Remote.WebFinger(ctx, what)
		if err != nil {
			return whyNot("WebFinger", what, err)
		}
		i.Leads, address = self+" as @"+subject, self
		if i.ours(self) {
			return refused("the handle leads to an address of this blog, which is nobody's elsewhere")
		}
	}
	if err := i.block(ctx, address); err != nil {
		return err
	}
	doc, err := i.lookup(ctx, address)
	if err != nil {
		return err
	}
	i.ID, i.Kind = doc.ID(), doc.Type()
	switch {
	case i.Site.Owns(i.ID):
		return refused("it claims the id " + i.ID + ", which is of this blog")
	case doc.IsActor():
		return i.person(ctx, doc, address)
	}
	return i.post(ctx, doc)
}

func (i *inspector) ours(what string) bool {
	_, host, _ := strings.Cut(strings.TrimPrefix(what, "@"), "@")
	return blog.SameOrigin(what, i.Site.URL) || strings.EqualFold(host, i.Site.HandleDomain) ||
		strings.EqualFold(host, i.Site.Host())
}

// lookup fetches a document, with the limits that hold for requests that strangers can cause.
func (i *inspector) lookup(ctx context.Context, address string) (*activity.Document, error) {
	doc, err := i.Remote.Lookup(ctx, address)
	if err != nil {
		return nil, whyNot("the server", address, err)
	}
	return doc, nil
}

// block adds the block that applies to an address. A blocked address is refused before anything is fetched from it.
func (i *inspector) block(ctx context.Context, address string) error {
	over, err := i.Store.BlockOver(ctx, blog.HostOf(address), address)
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
		return refused(over.Subject + " is blocked here: nothing is asked there or taken from there until “causerie block " +
			"remove " + over.Subject + "”")
	case barred:
		return refused(blog.HostOf(address) + " is not on the list of allowed servers: “causerie allow " +
			"add " + blog.HostOf(address) + "” puts it there")
	case over.Level == blog.Limit && !slices.Contains(i.Notes, waits):
		i.Notes = append(i.Notes, waits)
	}
	return nil
}

const waits = "it is limited here: what comes from there waits for a yes, and is neither counted nor shown before"

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
		i.Notes = append(i.Notes, "it lists no key that we can use, so nothing that it signs is believed")
	}
	if i.Leads != "" && actor.ID != asked {
		return refused("the handle leads to " + asked + ", where another answers: " + actor.ID)
	}
	i.proof(doc, actor)
	if handle, err := i.ProvenHandle(ctx, actor); err == nil {
		p.Handle, p.Confirmed = handle, true
	} else {
		p.Doubt = doubt(federation.ClaimedHandle(actor), err)
	}
	return nil
}

// doubt says why a handle is not confirmed.
func doubt(handle string, err error) string {
	if errors.Is(err, federation.ErrForeign) {
		return "WebFinger leads from @" + handle + " to somebody else"
	}
	var no refused
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
		return refused("it was there and was deleted by its author")
	case !post.IsPost():
		return refused("it is a thing of the type " + post.Type +
			", which is neither somebody nor a post: nothing of it is taken in")
	}
	i.describe(post, activity.ParsePolicies(doc))
	switch {
	case post.IsVote():
		return refused("it is a vote in a poll, which is taken in by nobody but the server of the poll")
	case !blog.SameOrigin(post.ID, post.AttributedTo):
		return refused(fmt.Sprintf("it says that “%s” wrote it, who does not live at its server: only a post that lies "+
			"with its author is believed", post.AttributedTo))
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
	return i.fate(ctx, post)
}

// author fetches the author of a post.
func (i *inspector) author(ctx context.Context, id string) (blog.Actor, error) {
	doc, err := i.lookup(ctx, id)
	if err != nil {
		return blog.Actor{}, refused("its author cannot be fetched: " + err.Error())
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
	if !post.Published.IsZero() {
		p.Published = &post.Published
	}
	for _, file := range post.Attachments {
		p.Attachments = append(p.Attachments, InspectedFile{cmp.Or(file.MediaType, file.Type), file.URL, file.Alt})
	}
	i.Post = p
}

// allowance says a rule in words; "" when there is none.
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
		words += "; " + asked + " after a yes"
	}
	return words
}

// fate adds what the blog would do with a post.
func (i *inspector) fate(ctx context.Context, post activity.Object) error {
	note := func(words string) { i.Notes = append(i.Notes, words) }
	if i.Post.Visibility == blog.RestrictedComment {
		note("it is for followers or those named alone: if an author of this blog is among them it is shown to that author " +
			"and to nobody else, and it stands on no page, in no feed and in no count")
	}
	if c, err := i.Store.CommentByAddress(ctx, post.ID); err == nil {
		note("it is here since " + c.ArrivedAt.UTC().Format("2 January 2006") + ", and is " + string(c.State))
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

// where says where a post would be shown: under an article, or else in the dashboard of the author whom it names.
func (i *inspector) where(ctx context.Context, post activity.Object) (string, error) {
	reached, err := i.VoicesNamed(ctx, i.Store, post, activity.Activity{})
	if err != nil {
		return "", err
	}
	otherwise := "is left out"
	if len(reached) > 0 {
		otherwise = "is kept in the dashboard for @" + reached[0].Handle + ", whom it names, if it is sent here"
	}
	if post.InReplyTo != "" {
		a, _, err := i.ResolveTarget(ctx, i.Store, post.InReplyTo)
		switch {
		case err == nil:
			return "it is an answer in the conversation under " + i.Site.ArticlePage(a), nil
		case !errors.Is(err, blog.ErrNotFound):
			return "", err
		case i.Site.Owns(post.InReplyTo):
			return "it answers what is not here, so it " + otherwise, nil
		case !i.Site.Owns(post.Quote):
			return "it answers a post elsewhere: what that answers is asked for, up to sixteen posts above it; when none of " +
				"them leads here, it " + otherwise, nil
		}
	}
	a, kind, err := i.ArticleAbout(ctx, i.Store, post)
	if errors.Is(err, federation.ErrNotOurs) {
		return "it neither answers nor speaks of any article of this blog, so it " + otherwise, nil
	}
	if err != nil {
		return "", err
	}
	return "it stands among the voices under " + i.Site.ArticlePage(a) + ", as a " + string(kind), nil
}

// proof verifies the proof in a document with the keys that its owner lists (FEP-8b32).
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
// address or handle. An error of our own comes back unchanged.
func whyNot(who, what string, err error) error {
	say := func(format string, args ...any) error { return refused(fmt.Sprintf(format, args...)) }
	detail := func(base error) string { return federation.DetailOf(err, base) }
	switch {
	case errors.Is(err, remote.ErrHandle):
		return say("“%s” is neither an address nor a handle: write it like https://veerhuis.example/notes/1 or "+
			"@bram@veerhuis.example", what)
	case errors.Is(err, remote.ErrRefused):
		return say("%s is no address that we go to: %s", what,
			cmp.Or(detail(remote.ErrRefused), "it leads where strangers may not send us"))
	case errors.Is(err, remote.ErrNotFound):
		return say("%s finds nothing for %s (404): it is not there, or not for this blog", who, what)
	case errors.Is(err, remote.ErrGone):
		return say("%s says that %s is gone for good (410)", who, what)
	case errors.Is(err, remote.ErrForbidden):
		return say("%s does not show %s, though the instance actor signed the question: %s", who, what, status(err))
	case errors.Is(err, remote.ErrUnavailable):
		return say("%s of %s is unavailable: %s", who, what, status(err))
	case errors.Is(err, remote.ErrTooOften):
		return say("%s of %s was asked too often within a minute: wait for one", who, what)
	case errors.Is(err, remote.ErrNotActivity):
		return say("what stands at %s is not what we ask for: %s", what, cmp.Or(detail(remote.ErrNotActivity), status(err)))
	case errors.Is(err, activity.ErrMalformed):
		return say("what stands at %s cannot be read: %s", what, detail(activity.ErrMalformed))
	case errors.Is(err, federation.ErrForeign):
		return say("what stands at %s claims what belongs to somebody else%s", what,
			strings.TrimSuffix(": "+detail(federation.ErrForeign), ": "))
	}
	return err
}

// status says what a server answered, or why it did not answer.
func status(err error) string {
	var answered *remote.StatusError
	var trouble *remote.Unreachable
	switch {
	case errors.As(err, &answered):
		return answered.Error()
	case errors.As(err, &trouble):
		return trouble.Words
	}
	return err.Error()
}
