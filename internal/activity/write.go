package activity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-fed/activity/streams"
	"github.com/go-fed/activity/streams/vocab"
)

// mainContext is the @context of nearly everything we send. Terms beyond the documents that it names are defined in it,
// since Friendica really processes JSON-LD; the first entry is the one that Mastodon looks for. It names only documents
// that every JSON-LD processor has built in. A server that must fetch one refuses our activities while it cannot be
// fetched, as Fedify servers did when the document for Multikeys was down.
const mainContext = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",{` +
	`"toot":"http://joinmastodon.org/ns#",` +
	`"schema":"http://schema.org#",` +
	`"gts":"https://gotosocial.org/ns#",` +
	`"misskey":"https://misskey-hub.net/ns#",` +
	`"manuallyApprovesFollowers":"as:manuallyApprovesFollowers",` +
	`"sensitive":"as:sensitive",` +
	`"Hashtag":"as:Hashtag",` +
	`"webfinger":"https://purl.archive.org/socialweb/webfinger#webfinger",` +
	`"Multikey":"https://w3id.org/security#Multikey",` +
	`"assertionMethod":{"@id":"https://w3id.org/security#assertionMethod","@type":"@id","@container":"@set"},` +
	`"controller":{"@id":"https://w3id.org/security#controller","@type":"@id"},` +
	`"publicKeyMultibase":{"@id":"https://w3id.org/security#publicKeyMultibase",` +
	`"@type":"https://w3id.org/security#multibase"},` +
	`"movedTo":{"@id":"as:movedTo","@type":"@id"},` +
	`"alsoKnownAs":{"@id":"as:alsoKnownAs","@type":"@id"},` +
	`"featured":{"@id":"toot:featured","@type":"@id"},` +
	`"featuredTags":{"@id":"toot:featuredTags","@type":"@id"},` +
	`"discoverable":"toot:discoverable",` +
	`"indexable":"toot:indexable",` +
	`"attributionDomains":{"@id":"toot:attributionDomains","@container":"@set"},` +
	`"focalPoint":{"@container":"@list","@id":"toot:focalPoint"},` +
	`"blurhash":"toot:blurhash",` +
	`"PropertyValue":"schema:PropertyValue",` +
	`"value":"schema:value",` +
	`"identifier":"schema:identifier",` +
	`"language":"schema:inLanguage",` +
	`"interactionPolicy":{"@id":"gts:interactionPolicy","@type":"@id"},` +
	`"canQuote":{"@id":"gts:canQuote","@type":"@id"},` +
	`"canReply":{"@id":"gts:canReply","@type":"@id"},` +
	`"automaticApproval":{"@id":"gts:automaticApproval","@type":"@id"},` +
	`"manualApproval":{"@id":"gts:manualApproval","@type":"@id"},` +
	`"replyAuthorization":{"@id":"gts:replyAuthorization","@type":"@id"},` +
	`"canFeature":{"@id":"https://w3id.org/fep/7aa9#canFeature","@type":"@id"},` +
	`"featuredCollections":{"@id":"https://w3id.org/fep/7aa9#featuredCollections","@type":"@id"},` +
	`"quote":{"@id":"https://w3id.org/fep/044f#quote","@type":"@id"},` +
	`"quoteAuthorization":{"@id":"https://w3id.org/fep/044f#quoteAuthorization","@type":"@id"}}]`

// requestContext is the @context of requests and authorizations. No other server needs its terms to read an article,
// so they are not in mainContext.
const requestContext = `["https://www.w3.org/ns/activitystreams",{` +
	`"gts":"https://gotosocial.org/ns#",` +
	`"QuoteRequest":"https://w3id.org/fep/044f#QuoteRequest",` +
	`"QuoteAuthorization":"https://w3id.org/fep/044f#QuoteAuthorization",` +
	`"FeatureRequest":"https://w3id.org/fep/7aa9#FeatureRequest",` +
	`"FeatureAuthorization":"https://w3id.org/fep/7aa9#FeatureAuthorization",` +
	`"ReplyRequest":"gts:ReplyRequest",` +
	`"ReplyAuthorization":"gts:ReplyAuthorization",` +
	`"interactingObject":{"@id":"gts:interactingObject","@type":"@id"},` +
	`"interactionTarget":{"@id":"gts:interactionTarget","@type":"@id"}}]`

// opening begins all our documents.
const opening = `{"@context":`

// order is the order of the members of our objects. Names that are not in it come last, in alphabetical order.
var order = ranks("id", "type", "actor", "webfinger", "preferredUsername", "attributedTo", "inReplyTo", "context",
	"url",
	"href", "name", "nameMap", "value", "summary", "summaryMap", "content", "contentMap", "mediaType", "language",
	"published", "updated", "deleted", "formerType", "to", "cc", "sensitive", "width", "height", "blurhash", "icon",
	"image",
	"attachment", "tag", "preview", "manuallyApprovesFollowers", "discoverable", "indexable", "inbox", "outbox",
	"followers", "following", "featured", "featuredTags", "endpoints", "attributionDomains", "alsoKnownAs", "movedTo",
	"publicKey", "assertionMethod", "owner", "controller", "publicKeyPem", "publicKeyMultibase", "replies", "likes",
	"shares", "interactionPolicy", "featuredCollections", "featuredObject", "featuredObjectType", "featureAuthorization",
	"totalItems", "partOf", "first", "last", "next", "items", "orderedItems", "target",
	"object",
	"instrument", "result", "interactingObject", "interactionTarget")

func ranks(names ...string) map[string]int {
	rank := make(map[string]int, len(names))
	for i, name := range names {
		rank[name] = i
	}
	return rank
}

// lists are the members that stay a list when they have one entry, since Lemmy reads them only as lists.
var lists = []string{"to", "cc", "tag", "attachment", "items", "orderedItems"}

// extensions are the members that the vocabulary does not have. They replace members of the vocabulary with the same
// name.
type extensions map[string]any

// marshal returns the bytes of a vocabulary type as they are sent: go-fed serializes it, the extensions are added,
// @context is ours, one-element lists are lists, and the order of members is always the same.
func marshal(thing vocab.Type, more extensions) ([]byte, error) {
	return marshalIn(mainContext, thing, more)
}

func marshalIn(context string, thing vocab.Type, more extensions) ([]byte, error) {
	members, err := streams.Serialize(thing)
	if err != nil {
		return nil, fmt.Errorf("serialize %s: %w", thing.GetTypeName(), err)
	}
	maps.Copy(members, more)
	// go-fed's @context names only the terms that go-fed knows.
	delete(members, "@context")
	return documentIn(context, members), nil
}

// document returns an object with our @context before its members.
func document(members map[string]any) []byte { return documentIn(mainContext, members) }

func documentIn(context string, members map[string]any) []byte {
	body := appendObject([]byte(opening+context+","), members)
	// The object's own brace stands behind the context now; the one in front of it stays.
	at := len(opening) + len(context) + 1
	return append(body[:at], body[at+1:]...)
}

// versions is a text in several languages. The first is the original: Mastodon and GoToSocial take the language of a
// post from the first key, so the order must not be that of the alphabet.
type versions []version

type version struct{ language, text string }

func appendValue(out []byte, value any) []byte {
	switch value := value.(type) {
	case nil:
		return append(out, "null"...)
	case string:
		return appendString(out, value)
	case bool:
		return strconv.AppendBool(out, value)
	case int:
		return strconv.AppendInt(out, int64(value), 10)
	case float64:
		return strconv.AppendFloat(out, value, 'f', -1, 64)
	case json.RawMessage:
		return append(out, value...)
	case versions:
		return appendVersions(out, value)
	case map[string]any:
		return appendObject(out, value)
	case extensions:
		return appendObject(out, value)
	case []any:
		return appendList(out, value)
	case []string:
		return appendList(out, value)
	}
	// A type that is missing here is a mistake in this package.
	panic(fmt.Sprintf("activity: no way to write a %T", value))
}

func appendObject(out []byte, members map[string]any) []byte {
	for _, name := range lists {
		if member, there := members[name]; there {
			members[name] = asList(member)
		}
	}
	out = append(out, '{')
	// A map has no order, and stored bytes must be the same each time: a proof covers them.
	for i, name := range slices.SortedFunc(maps.Keys(members), compareNames) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, name), ':')
		out = appendValue(out, members[name])
	}
	return append(out, '}')
}

func asList(member any) any {
	switch member.(type) {
	case []any, []string, json.RawMessage:
		return member
	}
	return []any{member}
}

func compareNames(a, b string) int {
	i, known := order[a]
	j, known2 := order[b]
	switch {
	case known && known2:
		return i - j
	case known:
		return -1
	case known2:
		return 1
	}
	return strings.Compare(a, b)
}

func appendList[T any](out []byte, items []T) []byte {
	out = append(out, '[')
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendValue(out, item)
	}
	return append(out, ']')
}

func appendVersions(out []byte, texts versions) []byte {
	out = append(out, '{')
	for i, v := range texts {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, v.language), ':')
		out = appendString(out, v.text)
	}
	return append(out, '}')
}

// appendString writes a JSON string without escaping HTML, which would make an article a fifth longer.
func appendString(out []byte, text string) []byte {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(fmt.Sprintf("activity: a string cannot be written: %v", err))
	}
	return append(out, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}

// head is what is read of a document that we made earlier.
type head struct {
	ID   string   `json:"id"`
	Type string   `json:"type"`
	To   []string `json:"to"`
	Cc   []string `json:"cc"`
}

// reopen reads the head of a document of ours, and returns the document ready to be embedded: without its @context,
// and without its proof, which is valid only for the document alone.
func reopen(stored []byte) (head, json.RawMessage, error) {
	var h head
	if err := json.Unmarshal(stored, &h); err != nil {
		return head{}, nil, fmt.Errorf("read a document of ours: %w", err)
	}
	if h.ID == "" || h.Type == "" {
		return head{}, nil, fmt.Errorf("read a document of ours: it has no id or no type")
	}
	list, err := membersOf(stored)
	if err != nil {
		return head{}, nil, fmt.Errorf("read the document %s of ours: %w", h.ID, err)
	}
	return h, list.without("@context", "proof").bytes(), nil
}

// seconds returns a time as we write it: UTC, without fractions.
func seconds(at time.Time) time.Time { return at.UTC().Truncate(time.Second) }

// unique returns a list without empty and repeated entries, in its order.
func unique(ids []string) []string {
	// Never nil: an audience without anybody is written as an empty list.
	list := []string{}
	for _, id := range ids {
		if id != "" && !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}
