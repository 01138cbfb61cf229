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

// largest is what one body may measure, in and out.
const maxBody = 1 << 20

// handleDelivery takes one delivery: bounded, read, its signature checked, applied, written down and then answered.
func (s *Server) handleDelivery(w http.ResponseWriter, r *http.Request, mood *activeBehaviour) {
	delivery := Delivery{At: s.world.config.Now(), Server: s, Inbox: r.URL.Path, Header: r.Header.Clone()}
	delivery.Header.Set("Host", r.Host)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var activity map[string]any
	if err == nil {
		delivery.Body = body
		activity = delivery.JSON()
		delivery.describe(activity)
	}
	if mood.silent() {
		delivery.Fault = "not looked at"
		s.record(delivery)
		mood.keepSilent(w, r)
		return
	}
	if !mood.wait(r) {
		delivery.Fault = "the sender left"
		s.record(delivery)
		return
	}
	if mood.answersGarbage(body) {
		delivery.Fault = "not looked at"
		s.record(delivery)
		writeGarbage(w)
		return
	}
	if status := mood.refusal(body); status != 0 {
		delivery.Status, delivery.Fault = status, "not looked at"
		mood.setHeader(w.Header())
	} else {
		delivery.Status, delivery.Fault = s.process(r, err, delivery, activity)
	}
	if mood.kind == droppingResponses {
		delivery.Status = 0
		s.record(delivery)
		panic(http.ErrAbortHandler)
	}
	s.record(delivery)
	reply(w, delivery)
}

func reply(w http.ResponseWriter, l Delivery) {
	if l.Status/100 == 2 {
		w.WriteHeader(l.Status)
		return
	}
	why := l.Fault
	if why == "" {
		why = http.StatusText(l.Status)
	}
	writeError(w, l.Status, why)
}

// process decides what a delivery is answered and, when it is good, does what it says. The fault is empty when the
// signature is valid.
func (s *Server) process(r *http.Request, unread error, l Delivery, activity map[string]any) (status int,
	fault string) {
	if unread != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(unread, &tooLarge) {
			return http.StatusRequestEntityTooLarge, "body over 1 MiB"
		}
		return http.StatusBadRequest, fmt.Sprintf("body cannot be read: %v", unread)
	}
	if !s.hasInbox(l.Inbox) {
		return http.StatusNotFound, "no such inbox"
	}
	if !isActivity(l.Header.Get("Content-Type")) {
		return s.wrongType(), fmt.Sprintf("content type %q", l.Header.Get("Content-Type"))
	}
	if activity == nil || l.Type == "" || l.Actor == "" {
		return http.StatusBadRequest, "not an activity"
	}
	if l.Type == "Delete" && l.Object == l.Actor && !s.cache.knows(l.Actor) {
		// Like Mastodon: whoever leaves cannot be asked for a key any more, and a stranger's leaving changes nothing.
		return http.StatusAccepted, "a stranger left, not verified"
	}
	signer, err := s.verify(r, l.Body)
	switch {
	case errors.Is(err, errUnreachableKey):
		return http.StatusServiceUnavailable, err.Error()
	case err != nil:
		return http.StatusUnauthorized, err.Error()
	case signer.ID != l.Actor:
		return http.StatusUnauthorized, fmt.Sprintf("signed by %s, who is not the actor %s", signer.ID, l.Actor)
	}
	if s.Software == GoToSocial && l.Type == "QuoteRequest" {
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

// hasInbox knows the inboxes of those who are here, and the shared one where there is one.
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

// isActivity tells the two content types that ActivityPub has, as GoToSocial and Mastodon do.
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

func (l *Delivery) describe(activity map[string]any) {
	l.KeyID = signatureKeyID(l.Header)
	l.ID, l.Type = firstString(activity["id"]), firstString(activity["type"])
	l.Actor, l.Object = idOf(activity["actor"]), idOf(activity["object"])
	if object, ok := activity["object"].(map[string]any); ok {
		l.ObjectType = firstString(object["type"])
	}
}

// firstString is the string a JSON value is, or the first of a list.
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

// idOf is the id of what is named or embedded, of the first when there are several.
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

// idsOf is the ids of all that are named or embedded.
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
