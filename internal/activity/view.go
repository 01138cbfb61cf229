package activity

import (
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"

	txt "causerie/internal/text"
)

// go-fed never gets the document of another server itself. Its parser accepts shapes on which its accessors panic,
// tries each embedded object against every type, and takes a text like "Review: Dune" for an address; its serializer
// changes the map that it is given. The view is a new map with only what go-fed is asked for: the type, the object, and
// the times.

const namespace = "https://www.w3.org/ns/activitystreams"

// core are the types of ActivityStreams 2.0, in their vocabulary's own spelling.
var core = set(
	streams.ActivityStreamsAcceptName, streams.ActivityStreamsActivityName, streams.ActivityStreamsAddName,
	streams.ActivityStreamsAnnounceName, streams.ActivityStreamsApplicationName, streams.ActivityStreamsArriveName,
	streams.ActivityStreamsArticleName, streams.ActivityStreamsAudioName, streams.ActivityStreamsBlockName,
	streams.ActivityStreamsCollectionName, streams.ActivityStreamsCollectionPageName,
	streams.ActivityStreamsCreateName, streams.ActivityStreamsDeleteName, streams.ActivityStreamsDislikeName,
	streams.ActivityStreamsDocumentName, streams.ActivityStreamsEventName, streams.ActivityStreamsFlagName,
	streams.ActivityStreamsFollowName, streams.ActivityStreamsGroupName, streams.ActivityStreamsIgnoreName,
	streams.ActivityStreamsImageName, streams.ActivityStreamsIntransitiveActivityName,
	streams.ActivityStreamsInviteName, streams.ActivityStreamsJoinName, streams.ActivityStreamsLeaveName,
	streams.ActivityStreamsLikeName, streams.ActivityStreamsLinkName, streams.ActivityStreamsListenName,
	streams.ActivityStreamsMentionName, streams.ActivityStreamsMoveName, streams.ActivityStreamsNoteName,
	streams.ActivityStreamsObjectName, streams.ActivityStreamsOfferName, streams.ActivityStreamsOrderedCollectionName,
	streams.ActivityStreamsOrderedCollectionPageName, streams.ActivityStreamsOrganizationName,
	streams.ActivityStreamsPageName, streams.ActivityStreamsPersonName, streams.ActivityStreamsPlaceName,
	streams.ActivityStreamsProfileName, streams.ActivityStreamsQuestionName, streams.ActivityStreamsReadName,
	streams.ActivityStreamsRejectName, streams.ActivityStreamsRelationshipName, streams.ActivityStreamsRemoveName,
	streams.ActivityStreamsServiceName, streams.ActivityStreamsTentativeAcceptName,
	streams.ActivityStreamsTentativeRejectName, streams.ActivityStreamsTombstoneName,
	streams.ActivityStreamsTravelName, streams.ActivityStreamsUndoName, streams.ActivityStreamsUpdateName,
	streams.ActivityStreamsVideoName, streams.ActivityStreamsViewName)

func set(names ...string) map[string]bool {
	members := make(map[string]bool, len(names))
	for _, name := range names {
		members[name] = true
	}
	return members
}

// view returns what go-fed sees of a document: its type and times, and its object where that is an address. An embedded
// object is read on its own: within the view of the activity, go-fed would try it against every type.
func view(root map[string]any) map[string]any {
	seen := shape(root, streams.ActivityStreamsActivityName)
	if address := addressOf(root["object"]); address != "" && embedded(root["object"]) == nil {
		seen["object"] = address
	}
	return seen
}

// shape returns one level of a view. A type that ActivityStreams does not know becomes other.
func shape(object map[string]any, other string) map[string]any {
	kind := typeOf(object)
	switch {
	case kind == emojiReact:
		kind = streams.ActivityStreamsLikeName
	case !core[kind]:
		kind = other
	}
	seen := map[string]any{"@context": namespace, "type": kind}
	// Only these two times are asked of go-fed; every other member would be parsed for nothing.
	for _, moment := range []string{"published", "updated"} {
		written := text(object[moment])
		if len(written) > maxTime {
			continue
		}
		// go-fed reads one form of those that servers write.
		if at, err := txt.ParseTime(written, time.UTC); err == nil {
			seen[moment] = at.Format(time.RFC3339Nano)
		}
	}
	return seen
}

// emojiReact is a like with an emoji (FEP-c0e0). It is not in the ActivityStreams vocabulary.
const emojiReact = "EmojiReact"

// maxTime is the longest text that may be a time, in bytes.
const maxTime = 64

type dated interface {
	GetActivityStreamsPublished() vocab.ActivityStreamsPublishedProperty
	GetActivityStreamsUpdated() vocab.ActivityStreamsUpdatedProperty
}

// published returns the time of publication, nil when it is absent or invalid.
func published(times dated) *time.Time {
	if at := times.GetActivityStreamsPublished(); at != nil && at.IsXMLSchemaDateTime() {
		return storable(at.Get())
	}
	return nil
}

// updated returns the time of the last change, nil when it is absent or invalid.
func updated(times dated) *time.Time {
	if at := times.GetActivityStreamsUpdated(); at != nil && at.IsXMLSchemaDateTime() {
		return storable(at.Get())
	}
	return nil
}

// storable returns a time in UTC, nil when its year is outside 1900 to 9999: not every database can store those.
func storable(at time.Time) *time.Time {
	at = at.UTC()
	if at.Year() < 1900 || at.Year() > 9999 {
		return nil
	}
	return &at
}
