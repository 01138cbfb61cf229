// Package activity translates between the types of the blog and ActivityStreams, the format in which fediverse servers
// exchange data (W3C ActivityStreams 2.0, ActivityPub). It does no I/O. Its API shows no maps and no types of go-fed.
//
// Reading: [Read] checks the bytes of another server against the limits, which is cheap, and returns a [Document]. Much
// can be decided from that alone. [Parse], [ParseObject], [ParseActor] and [ParseKey] turn a document into one small
// struct. They give go-fed only a reduced view of it (view.go), to learn its type and its times. Every text and every
// address is read from the document itself, as the raw string.
//
// Writing: [Post], [Answer], [Person] and similar functions build a type of the vocabulary, let go-fed serialize it,
// add the extensions, and write the keys in a fixed order. So the same input always gives the same bytes (write.go).
// Those bytes are made once, when the thing changes, and stored. What is made for each request ([WithCounts],
// [Collection]) and authorizations are written without go-fed. [AddProof] adds an integrity proof to a finished
// document, so that servers that get it from a third one can trust it; [VerifyProof] checks the proofs of others.
package activity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"

	txt "causerie/internal/text"
)

// ContentType is the media type under which documents are served.
const ContentType = `application/activity+json; charset=utf-8`

// Public is the address that stands for everybody (ActivityPub, section 5.6).
const Public = "https://www.w3.org/ns/activitystreams#Public"

// ErrMalformed means that a document is not an ActivityStreams object that we can use. The wrapping error says why. An
// inbox answers it with 400.
var ErrMalformed = errors.New("not a usable ActivityStreams document")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Activity is one thing that an actor elsewhere did.
type Activity struct {
	ID        string // "" when the sender gave none
	Actor     string // exactly one
	Type      string // as on the wire, also when we do not act on it
	Published *time.Time
	To, Cc    []string

	// Act is a Follow, Accept, Reject, Undo, Create, Update, Delete, Like, Dislike, Announce, Block, Move, Flag, Add,
	// Remove, QuoteRequest, ReplyRequest or FeatureRequest. It is nil for a valid activity that we do not act on, such as
	// a vote in a poll.
	Act any
}

// Follow asks to receive what an actor publishes.
type Follow struct{ Object string }

// Accept says yes to a Follow of ours, or to a request.
type Accept struct {
	Object       string // id of what is answered
	FollowObject string // the actor that was asked, where a Follow was embedded
	FollowActor  string // the one who asked, where a Follow was embedded
	Type         string // of what is answered, where it was embedded
	Result       string // address of the authorization that grants a request (FEP-044f), "" without one
}

// Reject says no to a Follow of ours, or ends it later, or says no to a request.
type Reject struct {
	Object       string // id of what is answered
	FollowObject string // the actor that was asked, where a Follow was embedded
	FollowActor  string // the one who asked, where a Follow was embedded
	Type         string // of what is answered, where it was embedded
}

// Undo revokes an earlier activity. Type and Object are those of that activity, where it was embedded.
type Undo struct{ ID, Type, Object string }

// Create announces a new object.
type Create struct{ Object Object }

// Update announces that an object or a profile changed. For a profile Object.Actor is set.
type Update struct{ Object Object }

// Delete announces that an object is gone, or an actor with all its objects.
type Delete struct{ Object string }

// Like is a like, or an emoji reaction (FEP-c0e0).
type Like struct {
	Object string
	Emoji  string // one emoji or :shortcode:, "" for a plain like
	Image  string // address of the picture of a :shortcode:, "" when it came with none
}

// Dislike is a vote against an object. It takes back a Like by the same actor.
type Dislike struct{ Object string }

// Announce shares an object. Groups announce whole activities (FEP-1b12). Then InnerType, InnerActor and InnerObject
// are the type of the announced activity, the actor that it claims, and the id of its object. InnerUpdated is when that
// object was changed, where it says so. Nothing else of an embedded copy is read, because it proves nothing.
type Announce struct {
	Object, InnerType, InnerActor, InnerObject string
	InnerUpdated                               *time.Time
}

// Block says that the actor blocks another actor.
type Block struct{ Object string }

// Move says that the account Object has moved to Target.
type Move struct{ Object, Target string }

// Flag reports actors and objects to their moderators.
type Flag struct {
	Objects []string
	Content string // plain text as sent, at most 5,000 runes
}

// QuoteRequest asks whether Instrument, a post of the actor, may quote Object (FEP-044f). When Instrument was given as
// an address, only its ID is set.
type QuoteRequest struct {
	Object     string
	Instrument Object
}

// ReplyRequest asks whether Instrument, a post of the actor, may reply to Object (GoToSocial's interaction controls).
// When Instrument was given as an address, only its ID is set.
type ReplyRequest struct {
	Object     string
	Instrument Object
}

// maxReport is how much of a report's text is kept, in runes.
const maxReport = 5000

// Parse reads an activity. The error is an ErrMalformed when the activity has no type, has no actor or more than one,
// has an id that is not an address, or lacks the object that its type needs.
func Parse(d *Document) (a Activity, err error) {
	defer recoverMalformed(&err)
	if err := d.checkActivity(); err != nil {
		return Activity{}, err
	}
	a = Activity{ID: writtenID(d.root), Actor: d.Actor(), Type: d.Type(),
		To: recipients(d.root["to"]), Cc: recipients(d.root["cc"])}
	// go-fed gets a reduced view and never the document itself: view.go says why.
	kind, err := streams.ToType(context.Background(), view(d.root))
	if err != nil {
		return Activity{}, malformed("%v", err)
	}
	if times, ok := kind.(dated); ok {
		a.Published = published(times)
	}
	r := reading{root: d.root, object: d.Object()}
	if err := r.dispatch(kind); err != nil {
		return Activity{}, err
	}
	a.Act = r.act
	return a, nil
}

func (d *Document) checkActivity() error {
	switch {
	case d.Type() == "":
		return malformed("it has no type")
	case d.Actor() == "":
		return malformed("it has no actor, or more than one")
	case !isAddress(d.Actor()):
		return malformed("the actor %q is no address", short(d.Actor()))
	// An activity may lack an id, but not have one of another kind.
	case d.ID() == "" && d.root["id"] != nil:
		return malformed("its id is no text")
	// The id goes into the log, into headers and into the database, so it must be safe there.
	case d.ID() != "" && !isAddress(d.ID()):
		return malformed("its id %q is no address", short(d.ID()))
	}
	return nil
}

// recoverMalformed turns a panic while a document is read into an ErrMalformed. The accessors of go-fed panic on some
// shapes that its parser accepts.
func recoverMalformed(err *error) {
	if value := recover(); value != nil {
		*err = malformed("reading it failed: %v", value)
	}
}

// reading is the state of reading one activity. go-fed picks the method by the type; the method reads the document.
type reading struct {
	root   map[string]any
	object string // id of the object
	act    any
}

func (r *reading) dispatch(kind vocab.Type) error {
	// go-fed knows none of the requests, so they are matched before its resolver, under both spellings of their type.
	switch typeOf(r.root) {
	case quoteRequest, "https://w3id.org/fep/044f#" + quoteRequest:
		return r.request(func(post Object) any { return QuoteRequest{r.object, post} })
	case replyRequest, "https://gotosocial.org/ns#" + replyRequest:
		return r.request(func(post Object) any { return ReplyRequest{r.object, post} })
	case featureRequest, featureNamespace + featureRequest:
		return r.featureRequest()
	}
	if resolverFault != nil {
		return fmt.Errorf("dispatch %s: %w", kind.GetTypeName(), resolverFault)
	}
	err := resolver.Resolve(context.WithValue(context.Background(), readingKey{}, r), kind)
	// Not an error: the sender gets a 202 for an activity without an effect (contract F-058).
	if streams.IsUnmatchedErr(err) {
		return nil // a valid activity of a type that we do not act on
	}
	return err
}

// resolver calls the method for a type, on the reading in the context. Making a resolver costs more than its work.
var resolver, resolverFault = streams.NewTypeResolver(on((*reading).follow), on((*reading).accept),
	on((*reading).reject), on((*reading).undo), on((*reading).create), on((*reading).update), on((*reading).delete),
	on((*reading).like), on((*reading).dislike),
	on((*reading).announce), on((*reading).block), on((*reading).move), on((*reading).flag),
	on((*reading).add), on((*reading).remove))

type readingKey struct{}

func on[T vocab.Type](do func(*reading, context.Context, T) error) func(context.Context, T) error {
	return func(ctx context.Context, kind T) error { return do(ctx.Value(readingKey{}).(*reading), ctx, kind) }
}

// requireObject sets the act of an activity that must have an object. It is an ErrMalformed without one.
func (r *reading) requireObject(act any) error {
	if r.object == "" {
		return malformed("it has no object, or one without an address")
	}
	r.act = act
	return nil
}

func (r *reading) follow(_ context.Context, _ vocab.ActivityStreamsFollow) error {
	return r.requireObject(Follow{Object: r.object})
}

func (r *reading) accept(_ context.Context, _ vocab.ActivityStreamsAccept) error {
	asker, asked := r.follower()
	return r.setAnswer(Accept{Object: r.object, FollowObject: asked, FollowActor: asker,
		Type: typeOf(embedded(r.root["object"])), Result: addressOf(r.root["result"])})
}

func (r *reading) reject(_ context.Context, _ vocab.ActivityStreamsReject) error {
	asker, asked := r.follower()
	return r.setAnswer(Reject{Object: r.object, FollowObject: asked, FollowActor: asker,
		Type: typeOf(embedded(r.root["object"]))})
}

// follower returns the actor and the object of the embedded Follow, "" when something else is embedded.
func (r *reading) follower() (asker, asked string) {
	follow := embedded(r.root["object"])
	// A Follow without a type is accepted, too.
	if kind := typeOf(follow); kind != "" && kind != streams.ActivityStreamsFollowName {
		return "", ""
	}
	return addressOf(follow["actor"]), addressOf(follow["object"])
}

// setAnswer sets the act of an Accept or Reject. Its Follow may lack an id: then the two actors identify it.
func (r *reading) setAnswer(act any) error {
	if _, asked := r.follower(); r.object == "" && asked == "" {
		return r.requireObject(act)
	}
	r.act = act
	return nil
}

func (r *reading) undo(_ context.Context, _ vocab.ActivityStreamsUndo) error {
	undone := embedded(r.root["object"])
	act := Undo{Type: typeOf(undone), Object: addressOf(undone["object"])}
	if r.object != "" {
		act.ID = writtenID(one(r.root["object"]))
	}
	// A Like may be undone without its id; its actor and its object identify it.
	if act.ID == "" && act.Object == "" {
		return r.requireObject(act)
	}
	r.act = act
	return nil
}

func (r *reading) create(ctx context.Context, _ vocab.ActivityStreamsCreate) error {
	object, err := r.embeddedObject(ctx)
	// Without an act the activity is valid, and the inbox does nothing with it.
	if !object.isVoteOrChat() {
		r.act = Create{Object: object}
	}
	return err
}

func (r *reading) update(ctx context.Context, _ vocab.ActivityStreamsUpdate) error {
	object, err := r.embeddedObject(ctx)
	if !object.isVoteOrChat() {
		r.act = Update{Object: object}
	}
	return err
}

// embeddedObject returns the object of a Create or Update.
func (r *reading) embeddedObject(ctx context.Context) (Object, error) {
	raw := embedded(r.root["object"])
	// The sender gave only the address.
	if raw == nil {
		return Object{ID: r.object}, r.requireObject(nil)
	}
	// Without an id the object could not be updated or deleted later.
	if r.object == "" {
		return Object{}, r.requireObject(nil)
	}
	kind, err := streams.ToType(ctx, shape(raw, streams.ActivityStreamsObjectName))
	if err != nil {
		return Object{}, malformed("%v", err)
	}
	o := objectOf(raw, kind)
	// ActivityPub, section 6.2: the actor of a Create is the author of its object.
	if o.IsPost() && len(many(raw["attributedTo"])) == 0 && len(many(raw["actor"])) == 0 {
		o.AttributedTo = addressOf(r.root["actor"])
	}
	o.Language = cmp.Or(o.Language, contextLanguage(r.root))
	return o, nil
}

func (r *reading) delete(_ context.Context, _ vocab.ActivityStreamsDelete) error {
	return r.requireObject(Delete{Object: r.object})
}

func (r *reading) like(_ context.Context, _ vocab.ActivityStreamsLike) error {
	reaction := text(r.root["content"])
	// Misskey has a property of its own for the emoji.
	if reaction == "" {
		reaction = text(r.root["_misskey_reaction"])
	}
	act := Like{Object: r.object, Emoji: emoji(reaction)}
	// A :shortcode: is only a name; its picture is among the tags.
	for _, custom := range emojis(r.root["tag"]) {
		if custom.Name == act.Emoji {
			act.Image = custom.URL
		}
	}
	return r.requireObject(act)
}

func (r *reading) dislike(_ context.Context, _ vocab.ActivityStreamsDislike) error {
	return r.requireObject(Dislike{Object: r.object})
}

func (r *reading) announce(_ context.Context, _ vocab.ActivityStreamsAnnounce) error {
	act := Announce{Object: r.object}
	// Only an activity has both: a shared post has neither an object nor an actor.
	if inner := embedded(r.root["object"]); inner["object"] != nil && inner["actor"] != nil {
		act.InnerType, act.InnerActor, act.InnerObject = typeOf(inner), only(inner["actor"]), addressOf(inner["object"])
		if at, err := txt.ParseTime(text(embedded(inner["object"])["updated"]), time.UTC); err == nil {
			act.InnerUpdated = storable(at)
		}
	}
	return r.requireObject(act)
}

func (r *reading) block(_ context.Context, _ vocab.ActivityStreamsBlock) error {
	return r.requireObject(Block{Object: r.object})
}

func (r *reading) move(_ context.Context, _ vocab.ActivityStreamsMove) error {
	target := addressOf(r.root["target"])
	if target == "" {
		return malformed("it has no target")
	}
	return r.requireObject(Move{Object: r.object, Target: target})
}

func (r *reading) flag(_ context.Context, _ vocab.ActivityStreamsFlag) error {
	act := Flag{Objects: addresses(r.root["object"], maxItems), Content: cut(text(r.root["content"]), maxReport)}
	// Lists of a report may also have objects without an address, which are left out.
	if len(act.Objects) == 0 {
		return r.requireObject(nil)
	}
	if act.Content == "" {
		act.Content = cut(text(r.root["summary"]), maxReport) // Lemmy writes the reason here
	}
	r.act = act
	return nil
}

// The types of requests that the ActivityStreams vocabulary does not have.
const (
	quoteRequest = "QuoteRequest"
	replyRequest = "ReplyRequest"
)

// request reads a request. Its instrument is the post that wants to quote or to reply.
func (r *reading) request(act func(post Object) any) error {
	post, err := r.instrument()
	if err != nil {
		return err
	}
	return r.requireObject(act(post))
}

func (r *reading) instrument() (Object, error) {
	id := addressOf(r.root["instrument"])
	if id == "" {
		return Object{}, malformed("it has no instrument, or one without an address")
	}
	// FEP-044f allows the post itself or only its address.
	raw := embedded(r.root["instrument"])
	if raw == nil {
		return Object{ID: id}, nil
	}
	kind, err := streams.ToType(context.Background(), view(raw))
	if err != nil {
		return Object{}, malformed("its instrument: %v", err)
	}
	return objectOf(raw, kind), nil
}
