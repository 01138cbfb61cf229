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

// deliveriesPage is the delivery report of an article: which server has it, which has not, and why.
type deliveriesPage struct {
	frame
	Article  blog.Article
	Mine     bool // to publish and take back
	When     string
	Address  string // of its page
	Sentence string
	Bar      []string
	Key      []keyLine
	Look     []server // those that need a look
	Waiting  []server
	Done     []server
	More     int // delivered ones that are not shown
	Sent     []activityRow
	Unheard  bool // what was said went to nobody
	CanRetry bool
	Unnamed  []string      // handles in it behind which nobody was found
	Talk     *conversation // on other servers
}

const firstDone = 20 // delivered servers shown before one asks for all

// server is a line of the report: where an article went, and how that server stands with it.
type server struct {
	blog.ServerState
	Followers     string
	Class, Status string // the shape and the word
	Words, Answer string
	Retry         bool
}

// activityRow is one thing that was said about an article.
type activityRow struct {
	Words string
	Note  string // what is unusual about it
	When  string
	At    time.Time
	JSON  string
}

func (h *Handler) deliveries(req *request) error {
	a, err := h.articleWithDeliveries(req)
	if err != nil {
		return err
	}
	f, err := h.frame(req, "articles", "Report: "+titled(a))
	if err != nil {
		return err
	}
	letters, err := h.store.Reports(req.ctx(), a.ID)
	if err != nil {
		return err
	}
	standings := blog.ServerStates(letters)
	unpublished, err := h.tellHold(req, &f, a)
	if err != nil {
		return err
	}
	p := deliveriesPage{frame: f, Article: a, Mine: req.author.May(a.VoiceID), Sentence: req.sentenceOf(a, standings)}
	if unpublished {
		p.Sentence = "Nothing has left yet."
	}
	if a.PublishedAt != nil {
		p.When = when(*a.PublishedAt, req.now, req.zone)
	}
	if a.OnTheWeb() {
		p.Address = req.site.ArticlePage(a)
	}
	p.Bar, p.Key = drawn(blog.Count(standings))
	p.sort(req.servers(standings))
	if req.r.URL.Query().Get("all") == "" && len(p.Done) > firstDone {
		p.More, p.Done = len(p.Done)-firstDone, p.Done[:firstDone]
	}
	if p.Sent, err = h.activityRows(req, a, letters); err != nil {
		return err
	}
	p.Unheard = len(letters) == 0
	if p.Talk, err = h.conversation(req, a); err != nil {
		return err
	}
	if p.Unnamed, err = h.outbox.Unnamed(req.ctx(), a); err != nil {
		return err
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/deliveries", p)
}

// articleWithDeliveries finds the article of the path if the author may know what became of it.
func (h *Handler) articleWithDeliveries(req *request) (blog.Article, error) {
	id, err := req.id("article")
	if err != nil {
		return blog.Article{}, err
	}
	a, err := h.store.Article(req.ctx(), id)
	if err == nil && !req.author.MayWrite(a.VoiceID) {
		err = errNotTheirs
	}
	return a, err
}

func (req *request) servers(standings []blog.ServerState) []server {
	list := make([]server, len(standings))
	for i, s := range standings {
		list[i] = req.server(s)
	}
	return list
}

func (req *request) server(l blog.ServerState) server {
	s := server{ServerState: l, Followers: text.Plural(l.Followers, "follower", "followers"),
		Words: deliverytext.State(l, req.since), Answer: l.Answer}
	if l.Code != 0 && !strings.Contains(l.Answer, fmt.Sprint(l.Code)) {
		s.Answer = strings.TrimSpace(fmt.Sprintf("%d %s", l.Code, l.Answer))
	}
	switch {
	case l.Spared():
		s.Class, s.Status = "gone", "nothing to take back"
	case l.Status == blog.Retrying:
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

// nextTry is when a server is asked again.
func nextTry(at time.Time, req *request) string {
	if !at.After(req.now) {
		return "any moment now"
	}
	return when(at, req.now, req.zone)
}

func (p *deliveriesPage) sort(servers []server) {
	for _, s := range servers {
		p.CanRetry = p.CanRetry || s.Retry
		switch {
		case s.Spared() || s.ServerState.Status == blog.Delivered:
			p.Done = append(p.Done, s)
		case s.ServerState.Status == blog.Waiting:
			p.Waiting = append(p.Waiting, s)
		default:
			p.Look = append(p.Look, s)
		}
	}
}

// sentenceOf says in words how far the article has come.
func (req *request) sentenceOf(a blog.Article, standings []blog.ServerState) string {
	summary := deliverytext.Summary(standings, req.since)
	switch {
	case a.Status == blog.Draft:
		return "Not published yet."
	case a.Status == blog.Scheduled:
		return "It goes out " + whenAhead(*a.ScheduledAt, req.now, req.zone) + ". Nothing was sent yet."
	case summary == "" && !a.Federates():
		return "It stands here on the web only; nothing was sent."
	case summary == "":
		return "There is nobody to send it to yet. Whoever follows you from now on gets what comes next."
	}
	return summary
}

// activityRows lists what was said about an article, the newest first.
func (h *Handler) activityRows(req *request, a blog.Article, letters []blog.DeliveryRow) ([]activityRow, error) {
	var order []blog.ID
	hosts := map[blog.ID]map[string]bool{}
	for _, l := range letters {
		if hosts[l.ActivityID] == nil {
			order, hosts[l.ActivityID] = append(order, l.ActivityID), map[string]bool{}
		}
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
	if a.ObjectID != "" && len(activities) == 0 { // nobody followed, so there are no deliveries to list them from
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

// kinds are the words for what was said; those of the wire stand in the JSON.
var kinds = map[string]string{"Create": "Published", "Update": "Changed", "Delete": "Taken back",
	"Announce": "Carried on to other followers",
	"Undo":     "No longer carried on", "QuoteRequest": "Asked to be allowed a quote"}

func (req *request) activityRow(a blog.Activity, servers int) activityRow {
	s := activityRow{Words: cmp.Or(kinds[a.Kind], a.Kind) + " (" + a.Kind + ")", At: a.At.In(req.zone),
		When: when(a.At, req.now, req.zone)}
	if servers > 0 {
		s.Words += ", to " + text.Plural(servers, "server", "servers")
	}
	if a.Quiet {
		s.Note = "Quietly: nobody was told. Most servers keep the words that they have until they fetch the article anew."
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, a.Payload, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(a.Payload)
	}
	s.JSON = pretty.String()
	return s
}

// retry lets the deliveries that did not arrive be tried again now: those to one server, or all.
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
