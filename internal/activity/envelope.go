package activity

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"

	"causerie/internal/blog"
)

// Envelope is what all activities of ours have: the site, the voice that sends it, its id and its time.
type Envelope struct {
	Site  blog.Site
	Voice blog.Voice // the zero Voice stands for the site's instance actor
	ID    blog.ID    // of the activity
	At    time.Time
}

// sender returns the id of the actor that sends the activity.
func (e Envelope) sender() string {
	if e.Voice.ID == "" {
		return e.Site.InstanceID()
	}
	return e.Site.ActorID(e.Voice.ID)
}

// everybody returns a public audience: Public, the followers of the sender, and others.
func (e Envelope) everybody(others ...string) audience {
	return audience{to: []string{Public}, cc: unique(append([]string{e.sender() + "/followers"}, others...))}
}

// activityType is what all types of activities that we send have in common.
type activityType interface {
	vocab.Type
	withID
	withPublished
	withAudience
	SetActivityStreamsActor(vocab.ActivityStreamsActorProperty)
	SetActivityStreamsObject(vocab.ActivityStreamsObjectProperty)
}

// finish sets everything but the object of an activity and returns its bytes.
func (e Envelope) finish(act activityType, who audience, more extensions) ([]byte, error) {
	return e.finishIn(mainContext, act, who, more)
}

func (e Envelope) finishIn(context string, act activityType, who audience, more extensions) ([]byte, error) {
	setID(act, e.Site.ActivityID(e.ID))
	setPublished(act, e.At)
	setAudience(act, who)
	actor := streams.NewActivityStreamsActorProperty()
	actor.AppendIRI(iri(e.sender()))
	act.SetActivityStreamsActor(actor)
	bytes, err := marshalIn(context, act, more)
	if err != nil {
		return nil, fmt.Errorf("write activity %s: %w", e.ID, err)
	}
	return bytes, nil
}

// setObject sets the object of an activity to an address.
func setObject(act activityType, address string) {
	object := streams.NewActivityStreamsObjectProperty()
	object.AppendIRI(iri(address))
	act.SetActivityStreamsObject(object)
}

// WrapCreate returns the Create of an object, for the audience of the object. The object is embedded as it is, without
// its @context.
func WrapCreate(e Envelope, object []byte) ([]byte, error) {
	return e.wrap(streams.NewActivityStreamsCreate(), object)
}

// WrapUpdate returns the Update of an object, for the audience of the object. The audience of a profile is everybody.
func WrapUpdate(e Envelope, object []byte) ([]byte, error) {
	return e.wrap(streams.NewActivityStreamsUpdate(), object)
}

// WrapUndo revokes an activity of ours, for the audience that it had. It is embedded whole, because Mastodon cannot
// find a Like otherwise.
func WrapUndo(e Envelope, original []byte) ([]byte, error) {
	return e.wrap(streams.NewActivityStreamsUndo(), original)
}

// wrap embeds a document of ours in an activity.
func (e Envelope) wrap(act activityType, inner []byte) ([]byte, error) {
	h, bare, err := reopen(inner)
	if err != nil {
		return nil, fmt.Errorf("write activity %s: %w", e.ID, err)
	}
	return e.finish(act, e.audienceOf(h), extensions{"object": bare})
}

func (e Envelope) audienceOf(h head) audience {
	// A profile has no audience of its own.
	if actors[h.Type] {
		return e.everybody()
	}
	return audience{to: h.To, cc: h.Cc}
}

// IsPublic reports whether the audience of an activity of ours includes everybody, listed or unlisted.
func IsPublic(stored []byte) bool {
	h, _, err := reopen(stored)
	return err == nil && (slices.Contains(h.To, Public) || slices.Contains(h.Cc, Public))
}

// WithObject returns an activity of ours with the current object and its current audience. The object that was sent
// then may hold text that was removed later.
func WithObject(stored, object []byte) ([]byte, error) {
	h, bare, err := reopen(object)
	if err != nil {
		return nil, err
	}
	return withMembers(stored, map[string]any{"object": bare, "to": h.To, "cc": h.Cc})
}

// WithObjectOf is [WithObject] with the object that another activity of ours embeds.
func WithObjectOf(stored, other []byte) ([]byte, error) {
	var whole struct{ Object json.RawMessage }
	if err := json.Unmarshal(other, &whole); err != nil {
		return nil, fmt.Errorf("read an activity of ours: %w", err)
	}
	return WithObject(stored, whole.Object)
}

// WithoutContentMap returns an activity of ours without the contentMap of its object, if that has only one language:
// then it only repeats the text.
func WithoutContentMap(stored []byte) ([]byte, error) {
	var whole struct{ Object json.RawMessage }
	if err := json.Unmarshal(stored, &whole); err != nil {
		return nil, fmt.Errorf("read an activity of ours: %w", err)
	}
	_, bare, err := reopen(whole.Object)
	if err != nil {
		return nil, err
	}
	// Two readings of one text: the members keep their exact bytes, and the map of languages is only counted.
	members := map[string]json.RawMessage{}
	texts := struct{ ContentMap map[string]string }{}
	if err := json.Unmarshal(bare, &members); err != nil {
		return nil, fmt.Errorf("read an object of ours: %w", err)
	}
	if err := json.Unmarshal(bare, &texts); err != nil {
		return nil, fmt.Errorf("read the languages of an object of ours: %w", err)
	}
	if len(texts.ContentMap) != 1 {
		return stored, nil
	}
	delete(members, "contentMap")
	object := map[string]any{}
	for name, value := range members {
		object[name] = value
	}
	return withMembers(stored, map[string]any{"object": object})
}

// ByReference returns an activity of ours with the id of its object in place of the object, for servers that find the
// whole too large. One without an embedded object is returned unchanged. A proof is left out: it is valid for the whole
// activity only.
func ByReference(stored []byte) ([]byte, error) {
	var whole struct{ Object json.RawMessage }
	if err := json.Unmarshal(stored, &whole); err != nil {
		return nil, fmt.Errorf("read an activity of ours: %w", err)
	}
	// reopen fails when the object is an address already.
	h, _, err := reopen(whole.Object)
	if err != nil {
		return stored, nil
	}
	return withMembers(stored, map[string]any{"object": h.ID})
}

// withMembers returns a document of ours with other values of some members; nil removes a member.
func withMembers(stored []byte, values map[string]any) ([]byte, error) {
	// reopen drops the proof, which would not fit the new members.
	_, bare, err := reopen(stored)
	if err != nil {
		return nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(bare, &raw); err != nil {
		return nil, fmt.Errorf("read a document of ours: %w", err)
	}
	members := map[string]any{}
	for name, value := range raw {
		members[name] = value
	}
	maps.Copy(members, values)
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
	return document(members), nil
}

// WrapDelete returns the Delete of an object of ours, for the audience that it had; object is the document that was
// sent. A Tombstone is embedded, for an actor the bare id.
func WrapDelete(e Envelope, object []byte) ([]byte, error) {
	h, _, err := reopen(object)
	if err != nil {
		return nil, fmt.Errorf("write activity %s: %w", e.ID, err)
	}
	act, gone := streams.NewActivityStreamsDelete(), streams.NewActivityStreamsObjectProperty()
	// An actor is named by its bare id, which is how servers recognise that an account is deleted.
	if actors[h.Type] {
		gone.AppendIRI(iri(h.ID))
	} else {
		gone.AppendActivityStreamsTombstone(tombstone(h, e.At))
	}
	act.SetActivityStreamsObject(gone)
	return e.finish(act, e.audienceOf(h), nil)
}

// Tombstone returns the document that is served with 410 at the id of a deleted object of ours.
func Tombstone(object []byte, at time.Time) ([]byte, error) {
	h, _, err := reopen(object)
	if err != nil {
		return nil, err
	}
	return marshal(tombstone(h, at), nil)
}

func tombstone(h head, at time.Time) vocab.ActivityStreamsTombstone {
	stone := streams.NewActivityStreamsTombstone()
	setID(stone, h.ID)
	former := streams.NewActivityStreamsFormerTypeProperty()
	former.AppendXMLSchemaString(h.Type)
	stone.SetActivityStreamsFormerType(former)
	deleted := streams.NewActivityStreamsDeletedProperty()
	deleted.Set(seconds(at))
	stone.SetActivityStreamsDeleted(deleted)
	return stone
}

// WrapAccept accepts a follower. The Follow is embedded under the id that its server gave it.
func WrapAccept(e Envelope, follower blog.Follower) ([]byte, error) {
	return e.answer(streams.NewActivityStreamsAccept(), follower)
}

// WrapReject refuses a follower, or removes one who was accepted before.
func WrapReject(e Envelope, follower blog.Follower) ([]byte, error) {
	return e.answer(streams.NewActivityStreamsReject(), follower)
}

func (e Envelope) answer(act activityType, follower blog.Follower) ([]byte, error) {
	follow := streams.NewActivityStreamsFollow()
	// A Follow may come without an id; then the two actors identify it.
	if follower.FollowID != "" {
		setID(follow, follower.FollowID)
	}
	actor := streams.NewActivityStreamsActorProperty()
	actor.AppendIRI(iri(follower.ActorID))
	follow.SetActivityStreamsActor(actor)
	setObject(follow, e.sender())
	object := streams.NewActivityStreamsObjectProperty()
	object.AppendActivityStreamsFollow(follow)
	act.SetActivityStreamsObject(object)
	return e.finish(act, audience{to: []string{follower.ActorID}}, nil)
}

// WrapAnnounce shares an object, given by its id, with everybody. It also goes to the owner of the object, unless
// objectOwner is "".
func WrapAnnounce(e Envelope, object, objectOwner string) ([]byte, error) {
	act := streams.NewActivityStreamsAnnounce()
	setObject(act, object)
	return e.finish(act, e.everybody(objectOwner), nil)
}

// WrapFollow asks to follow an actor.
func WrapFollow(e Envelope, actor string) ([]byte, error) {
	act := streams.NewActivityStreamsFollow()
	setObject(act, actor)
	return e.finish(act, audience{to: []string{actor}}, nil)
}

// WrapLike likes an object. It goes to the owner of the object only.
func WrapLike(e Envelope, object, objectOwner string) ([]byte, error) {
	act := streams.NewActivityStreamsLike()
	setObject(act, object)
	return e.finish(act, audience{to: []string{objectOwner}}, nil)
}

// WrapMove tells the followers of a voice that it has moved to the actor target. The target must list the voice in
// alsoKnownAs before; otherwise servers ignore the Move.
func WrapMove(e Envelope, target string) ([]byte, error) {
	act := streams.NewActivityStreamsMove()
	setObject(act, e.sender())
	setTarget(act, target)
	return e.finish(act, audience{to: []string{}, cc: []string{e.sender() + "/followers"}}, nil)
}

// WrapFlag reports an actor and some of its objects to its server, with an explanation in plain text, which may be "".
// The sender is always the instance actor, so that nobody learns which author reported them.
func WrapFlag(e Envelope, actor string, objects []string, content string) ([]byte, error) {
	// The zero Voice is the instance actor.
	e.Voice = blog.Voice{}
	act, reported := streams.NewActivityStreamsFlag(), streams.NewActivityStreamsObjectProperty()
	// The actor stands in the list as well: that is how Mastodon reports, and how it finds the account.
	for _, id := range unique(append([]string{actor}, objects...)) {
		reported.AppendIRI(iri(id))
	}
	act.SetActivityStreamsObject(reported)
	if content != "" {
		setContent(act, content)
	}
	return e.finish(act, audience{to: []string{actor}}, nil)
}

// WrapAdd pins an object of a voice to its profile. object is an id.
func WrapAdd(e Envelope, object string) ([]byte, error) {
	return e.pin(streams.NewActivityStreamsAdd(), object)
}

// WrapRemove unpins an object of a voice from its profile. object is an id.
func WrapRemove(e Envelope, object string) ([]byte, error) {
	return e.pin(streams.NewActivityStreamsRemove(), object)
}

type pinning interface {
	activityType
	withTarget
}

func (e Envelope) pin(act pinning, object string) ([]byte, error) {
	setObject(act, object)
	setTarget(act, e.sender()+"/featured")
	return e.finish(act, e.everybody(), nil)
}

// WrapDeleteActor deletes a voice with all its objects, for everybody.
func WrapDeleteActor(e Envelope) ([]byte, error) {
	act := streams.NewActivityStreamsDelete()
	setObject(act, e.sender())
	return e.finish(act, e.everybody(), nil)
}
