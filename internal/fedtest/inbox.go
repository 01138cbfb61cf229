package fedtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxBody is the largest body in bytes, in and out.
const maxBody = 1 << 20

// handleDelivery reads one delivery, processes it, records it and answers.
func (s *Server) handleDelivery(w http.ResponseWriter, r *http.Request, behaviour *activeBehaviour) {
	delivery := Delivery{At: s.world.config.Now(), Server: s, Inbox: r.URL.Path, Header: r.Header.Clone()}
	// net/http takes the host out of the header. Tests want to see all that was signed.
	delivery.Header.Set("Host", r.Host)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var activity map[string]any
	if err == nil {
		delivery.Body = body
		activity = delivery.JSON()
		delivery.describe(activity)
	}
	if behaviour.silent() {
		delivery.Fault = "not looked at"
		// Recorded before it is held: the sender waits for ever, and the test must see that the delivery came.
		s.record(delivery)
		behaviour.keepSilent(w, r)
		return
	}
	if behaviour.cuts() {
		delivery.Fault = "not looked at"
		s.record(delivery)
		behaviour.cut(w)
		return
	}
	if !behaviour.wait(r) {
		delivery.Fault = "the sender disconnected"
		s.record(delivery)
		return
	}
	if behaviour.answersGarbage(body) {
		delivery.Fault = "not looked at"
		s.record(delivery)
		writeGarbage(w)
		return
	}
	if status := behaviour.refusal(body); status != 0 {
		delivery.Status, delivery.Fault = status, "not looked at"
		behaviour.setHeader(w.Header())
	} else {
		delivery.Status, delivery.Fault = s.process(r, err, delivery, activity)
	}
	// Processed, but the sender does not learn it and must send again.
	if behaviour.kind == droppingResponses {
		delivery.Status = 0
		s.record(delivery)
		panic(http.ErrAbortHandler)
	}
	s.record(delivery)
	reply(w, delivery)
	if behaviour.kind == huge {
		behaviour.writeHuge(w, r)
	}
}

func reply(w http.ResponseWriter, d Delivery) {
	if d.Status/100 == 2 {
		w.WriteHeader(d.Status)
		return
	}
	why := d.Fault
	if why == "" {
		why = http.StatusText(d.Status)
	}
	writeError(w, d.Status, why)
}

// process verifies a delivery, applies it when it is good, and returns the status of the response. The fault is empty
// when the signature is valid.
func (s *Server) process(r *http.Request, unread error, d Delivery, activity map[string]any) (status int,
	fault string) {
	if unread != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(unread, &tooLarge) {
			return http.StatusRequestEntityTooLarge, "body over 1 MiB"
		}
		return http.StatusBadRequest, fmt.Sprintf("body cannot be read: %v", unread)
	}
	if !s.hasInbox(d.Inbox) {
		return http.StatusNotFound, "no such inbox"
	}
	if !isActivity(d.Header.Get("Content-Type")) {
		return s.wrongType(), fmt.Sprintf("content type %q", d.Header.Get("Content-Type"))
	}
	if activity == nil || d.Type == "" || d.Actor == "" {
		return http.StatusBadRequest, "not an activity"
	}
	if d.Type == "Delete" && d.Object == d.Actor && !s.cache.knows(d.Actor) {
		// Like Mastodon: the key of a deleted actor cannot be fetched any more, and nothing of this actor is stored here.
		return http.StatusAccepted, "the deleted actor is unknown, not verified"
	}
	signer, err := s.verify(r, d.Body)
	switch {
	// 503 and not 401: the sender should retry.
	case errors.Is(err, errUnreachableKey):
		return http.StatusServiceUnavailable, err.Error()
	case err != nil:
		return http.StatusUnauthorized, err.Error()
	case signer.ID != d.Actor:
		return http.StatusUnauthorized, fmt.Sprintf("signed by %s instead of the actor %s", signer.ID, d.Actor)
	}
	// The signature is valid, so this is no fault of the sender.
	if s.Software == GoToSocial && d.Type == "QuoteRequest" {
		return http.StatusInternalServerError, ""
	}
	s.apply(signer, activity)
	return http.StatusAccepted, ""
}

func (s *Server) wrongType() int {
	if s.Software == GoToSocial {
		return http.StatusNotAcceptable
	}
	return http.StatusUnsupportedMediaType
}

// hasInbox reports whether the path is the inbox of somebody here, or the shared inbox.
func (s *Server) hasInbox(path string) bool {
	if path == "/inbox" {
		return s.Software != GoToSocial
	}
	actor, ok := strings.CutSuffix(path, "/inbox")
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.actors[s.URL+actor]
	return p != nil && !p.left
}

// isActivity reports whether a content type is one of the two of ActivityPub. GoToSocial and Mastodon require the
// profile of ld+json too.
func isActivity(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return false
	case kind == "application/ld+json":
		return strings.Contains(params["profile"], "https://www.w3.org/ns/activitystreams")
	}
	return kind == "application/activity+json"
}

// describe fills in what the body claims.
func (d *Delivery) describe(activity map[string]any) {
	d.KeyID = signatureKeyID(d.Header)
	d.ID, d.Type = firstString(activity["id"]), firstString(activity["type"])
	d.Actor, d.Object = idOf(activity["actor"]), idOf(activity["object"])
	if object, ok := activity["object"].(map[string]any); ok {
		d.ObjectType = firstString(object["type"])
	}
}

// firstString returns a JSON string, or the first string of a list.
func firstString(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return firstString(v[0])
		}
	}
	return ""
}

// idOf returns the id of an object that is named or embedded, or of the first of several.
func idOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return firstString(v["id"])
	case []any:
		if len(v) > 0 {
			return idOf(v[0])
		}
		return ""
	}
	return firstString(v)
}

// idsOf returns the ids of all objects that are named or embedded.
func idsOf(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var ids []string
	for _, one := range list {
		if id := idOf(one); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func writeJSON(w http.ResponseWriter, contentType string, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		writeError(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Write(body)
}

func writeError(w http.ResponseWriter, status int, why string) {
	body, _ := json.Marshal(map[string]string{"error": why}) // a map of strings can always be written
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(body)
}
