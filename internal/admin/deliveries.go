package admin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/deliverytext"
	"causerie/internal/text"
)

// deliveriesPage shows which servers have an article, which have not, and why.
type deliveriesPage struct {
	frame
	Article      blog.Article
	Mine         bool // the author may publish and withdraw it
	When         string
	Address      string // of its page; "" if it has none
	Sentence     string
	Bar          []string
	Key          []keyLine
	Problems     []server // those that need the author's attention
	Waiting      []server
	Done         []server
	More         int // the number of delivered servers that are not shown
	Sent         []activityRow
	Unsent       bool // nothing was sent to anybody
	CanRetry     bool
	Unnamed      []string      // mentioned handles for which no account was found
	Conversation *conversation // on other servers
}

// firstDone is the number of delivered servers that the page shows at first.
const firstDone = 20 // delivered servers shown before one asks for all

// server is one line of the page: the deliveries of the article to one server.
type server struct {
	blog.ServerState
	Followers     string
	Class, Status string // the CSS class and the word
	Words, Answer string
	Retry         bool
}

// activityRow is one activity about the article.
type activityRow struct {
	Words string
	Note  string // says that it was quiet
	When  string
	At    time.Time
	JSON  string
}

func (h *Handler) deliveries(req *request) error {
	a, err := h.articleWithDeliveries(req)
	if err != nil {
		return err
	}
	f, err := h.frame(req, "articles", "Deliveries: "+titleOf(a))
	if err != nil {
		return err
	}
	rows, err := h.store.DeliveryRows(req.ctx(), a.ID)
	if err != nil {
		return err
	}
	states := blog.ServerStates(rows)
	unpublished, err := h.showHold(req, &f, a)
	if err != nil {
		return err
	}
	p := deliveriesPage{frame: f, Article: a, Mine: req.author.May(a.VoiceID), Sentence: req.summary(a, states)}
	if unpublished {
		p.Sentence = "Nothing was sent yet."
	}
	if a.PublishedAt != nil {
		p.When = when(*a.PublishedAt, req.now, req.zone)
	}
	if a.OnTheWeb() {
		p.Address = req.site.ArticlePage(a)
	}
	p.Bar, p.Key = barAndKey(blog.Count(states))
	p.sort(req.servers(states))
	if req.r.URL.Query().Get("all") == "" && len(p.Done) > firstDone {
		p.More, p.Done = len(p.Done)-firstDone, p.Done[:firstDone]
	}
	if p.Sent, err = h.activityRows(req, a, rows); err != nil {
		return err
	}
	p.Unsent = len(rows) == 0
	if p.Conversation, err = h.conversation(req, a); err != nil {
		return err
	}
	if p.Unnamed, err = h.outbox.UnknownMentions(req.ctx(), a); err != nil {
		return err
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/deliveries", p)
}

// articleWithDeliveries finds the article of the path, if the author may see its deliveries.
func (h *Handler) articleWithDeliveries(req *request) (blog.Article, error) {
	id, err := req.id("article")
	if err != nil {
		return blog.Article{}, err
	}
	a, err := h.store.Article(req.ctx(), id)
	// A contributor may see what became of an own article, but not act on it.
	if err == nil && !req.author.MayWrite(a.VoiceID) {
		err = errNotOwner
	}
	return a, err
}

func (req *request) servers(states []blog.ServerState) []server {
	list := make([]server, len(states))
	for i, s := range states {
		list[i] = req.server(s)
	}
	return list
}

// server describes the state of a server.
func (req *request) server(l blog.ServerState) server {
	s := server{ServerState: l, Followers: text.Plural(l.Followers, "follower", "followers"),
		Words: deliverytext.State(l, req.since), Answer: l.Answer}
	// Many servers repeat the code in the text of the answer.
	if l.Code != 0 && !strings.Contains(l.Answer, fmt.Sprint(l.Code)) {
		s.Answer = strings.TrimSpace(fmt.Sprintf("%d %s", l.Code, l.Answer))
	}
	switch {
	case l.Spared():
		s.Class, s.Status = "gone", "nothing to delete"
	case l.Status == blog.Retrying:
		// A server that asked to be left alone for a while is not asked earlier.
		s.Class, s.Retry = "again", !l.Patient()
		s.Status = fmt.Sprintf("try %d %s", l.Attempts+1, nextTry(l.NextAt, req))
	case l.Status == blog.Refused:
		s.Class, s.Status, s.Retry = "no", "refused", true
	case l.Status == blog.GivenUp:
		s.Class, s.Status, s.Retry = "no", "given up", true
		if l.Attempts > 0 {
			s.Status = "given up after " + text.Plural(l.Attempts, "try", "tries")
		}
	case l.Status == blog.GoneAway:
		s.Class, s.Status, s.Retry = "gone", "gone", true
	case l.Status == blog.Waiting:
		s.Class, s.Status = "wait", "waiting"
		if l.NextAt.After(req.now.Add(time.Minute)) {
			s.Status, s.Retry = "waiting for its server, "+nextTry(l.NextAt, req), !l.Patient()
		}
	default:
		s.Class, s.Status = "done", "delivered in "+duration(l.TookMS)
	}
	return s
}

// since writes a moment of the past.
func (req *request) since(at time.Time) string { return when(at, req.now, req.zone) }

// nextTry says when a server is tried again.
func nextTry(at time.Time, req *request) string {
	// The courier comes round within seconds. An exact time in the past would look like a fault.
	if !at.After(req.now) {
		return "any moment now"
	}
	return when(at, req.now, req.zone)
}

// sort puts each server into its section of the page.
func (p *deliveriesPage) sort(servers []server) {
	for _, s := range servers {
		p.CanRetry = p.CanRetry || s.Retry
		switch {
		case s.Spared() || s.ServerState.Status == blog.Delivered:
			p.Done = append(p.Done, s)
		case s.ServerState.Status == blog.Waiting:
			p.Waiting = append(p.Waiting, s)
		default:
			p.Problems = append(p.Problems, s)
		}
	}
}

// summary says in one sentence how far the article has come.
func (req *request) summary(a blog.Article, states []blog.ServerState) string {
	summary := deliverytext.Summary(states, req.since)
	switch {
	case a.Status == blog.Draft:
		return "Not published yet."
	case a.Status == blog.Scheduled:
		return "It will be published " + whenAhead(*a.ScheduledAt, req.now, req.zone) + ". Nothing was sent yet."
	case summary == "" && !a.Federates():
		return "It is only here on the web; nothing was sent."
	case summary == "":
		return "There is nobody to send it to yet. New followers get your next articles."
	}
	return summary
}

// activityRows lists the activities about an article, newest first.
func (h *Handler) activityRows(req *request, a blog.Article, rows []blog.DeliveryRow) ([]activityRow, error) {
	var order []blog.ID
	hosts := map[blog.ID]map[string]bool{}
	for _, l := range rows {
		if hosts[l.ActivityID] == nil {
			order, hosts[l.ActivityID] = append(order, l.ActivityID), map[string]bool{}
		}
		// A superseded delivery does not count: a newer activity took its place.
		if l.Status != blog.Superseded {
			hosts[l.ActivityID][l.Host] = true
		}
	}
	found, err := h.store.ActivitiesByID(req.ctx(), order)
	if err != nil {
		return nil, err
	}
	var activities []blog.Activity
	for _, id := range order {
		activities = append(activities, found[id])
	}
	if a.ObjectID != "" && len(activities) == 0 { // there were no followers, so no deliveries name them
		if activities, err = h.store.Activities(req.ctx(), a.ObjectID); err != nil {
			return nil, err
		}
		slices.Reverse(activities)
	}
	list := make([]activityRow, len(activities))
	for i, activity := range activities {
		list[i] = req.activityRow(activity, len(hosts[activity.ID]))
	}
	return list, nil
}

// kinds are the words for activity types. The JSON below shows the type itself.
var kinds = map[string]string{"Create": "Published", "Update": "Changed", "Delete": "Withdrawn",
	"Announce": "Announced to other followers",
	"Undo":     "Announcement undone", "QuoteRequest": "Asked for permission to quote"}

// activityRow shows an activity and the number of servers that it was sent to.
func (req *request) activityRow(a blog.Activity, servers int) activityRow {
	s := activityRow{Words: cmp.Or(kinds[a.Kind], a.Kind) + " (" + a.Kind + ")", At: a.At.In(req.zone),
		When: when(a.At, req.now, req.zone)}
	if servers > 0 {
		s.Words += ", to " + text.Plural(servers, "server", "servers")
	}
	if a.Quiet {
		s.Note = "Quietly: nobody was told. Most servers keep the old text until they fetch the article again."
	}
	var pretty bytes.Buffer
	// The payload is stored as it was signed. One that is not valid JSON is shown as it is.
	if json.Indent(&pretty, a.Payload, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(a.Payload)
	}
	s.JSON = pretty.String()
	return s
}

// retry makes deliveries that did not arrive due now: those to one server, or all.
func (h *Handler) retry(req *request) error {
	a, err := h.articleWithDeliveries(req)
	if err != nil {
		return err
	}
	if !req.author.May(a.VoiceID) {
		return blog.ErrForbidden
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	if _, err := h.outbox.Retry(req.ctx(), a.ID, form.Get("host")); err != nil {
		return err
	}
	return req.redirect("/admin/articles/" + string(a.ID) + "/report?done=retrying")
}
