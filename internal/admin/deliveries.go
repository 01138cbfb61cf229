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

// deliveriesPage shows which servers have an article, which do not, and why.
type deliveriesPage struct {
	frame
	Article        blog.Article
	Mine           bool // the author may publish and withdraw the article
	When           string
	Address        string // URL of the article's page; "" if it has none
	Sentence       string
	Bar            []string
	Legend         []legendEntry
	Problems       []serverRow // servers that need the author's attention
	Waiting        []serverRow
	Done           []serverRow
	More           int // the number of delivered servers that are not shown
	Unlisted       int // the number of servers that are not on this page
	Sent           []activityRow
	Unsent         bool   // nothing was sent to anybody
	SummedUp       string // which deliveries are known in sum only; "" if none
	CanRetry       bool
	UnknownHandles []string      // mentioned handles without an account that we could find
	Conversation   *conversation // the replies on other servers
}

// firstDone is the number of delivered servers that the page shows without ?all=1.
const firstDone = 20

// serverRow is one server on the page, with the state of the article there.
type serverRow struct {
	blog.ServerState
	Followers           string
	Class, StatusText   string // the CSS class of the state, and its text
	Explanation, Answer string
	Retry               bool
}

// activityRow is one activity about the article.
type activityRow struct {
	Title string
	Note  string // explains a quiet update; "" for others
	When  string
	At    time.Time
	JSON  string
}

// deliveries shows the page. Its path ends in /report, an older name of the page.
func (h *Handler) deliveries(req *request) error {
	a, err := h.articleWithDeliveries(req)
	if err != nil {
		return err
	}
	f, err := h.frame(req, "articles", "Deliveries: "+titleOf(a))
	if err != nil {
		return err
	}
	sample, rows, err := h.store.ListedDeliveries(req.ctx(), a.ID, mostServers)
	if err != nil {
		return err
	}
	states, listed := blog.ServerStates(sample), blog.ServerStates(rows)
	publicationHeld, err := h.showHold(req, &f, a)
	if err != nil {
		return err
	}
	p := deliveriesPage{frame: f, Article: a, Mine: req.author.May(a.VoiceID), Sentence: req.summary(a, states)}
	if publicationHeld {
		p.Sentence = "Nothing was sent yet."
	}
	if a.PublishedAt != nil {
		p.When = when(*a.PublishedAt, req.now, req.zone)
	}
	if a.OnTheWeb() {
		p.Address = req.site.ArticlePage(a)
	}
	p.Bar, p.Legend = barAndLegend(blog.Count(states))
	p.sort(req.serverRows(listed))
	if req.r.URL.Query().Get("all") == "" && len(p.Done) > firstDone {
		p.More, p.Done = len(p.Done)-firstDone, p.Done[:firstDone]
	}
	p.Unlisted = servers(states) - len(listed)
	if p.Sent, err = h.activityRows(req, a, sample); err != nil {
		return err
	}
	p.Unsent = len(sample) == 0
	p.SummedUp = deliverytext.SummedUp(states)
	if p.Conversation, err = h.conversation(req, a); err != nil {
		return err
	}
	if p.UnknownHandles, err = h.outbox.UnknownMentions(req.ctx(), a); err != nil {
		return err
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/deliveries", p)
}

// mostServers is how many servers the page lists at most. Those that need attention come first.
const mostServers = 300

// servers counts the servers behind the states of a sample.
func servers(states []blog.ServerState) int {
	n := 0
	for _, s := range states {
		n += 1 + s.Alike
	}
	return n
}

// articleWithDeliveries finds the article of the path, if the author may see its deliveries.
func (h *Handler) articleWithDeliveries(req *request) (blog.Article, error) {
	id, err := req.id("article")
	if err != nil {
		return blog.Article{}, err
	}
	a, err := h.store.Article(req.ctx(), id)
	// A contributor may see the deliveries of an article they wrote, but not retry them.
	if err == nil && !req.author.MayWrite(a.VoiceID) {
		err = errNotOwner
	}
	return a, err
}

func (req *request) serverRows(states []blog.ServerState) []serverRow {
	rows := make([]serverRow, len(states))
	for i, s := range states {
		rows[i] = req.serverRowOf(s)
	}
	return rows
}

func (req *request) serverRowOf(state blog.ServerState) serverRow {
	row := serverRow{ServerState: state, Followers: text.Plural(state.Followers, "follower", "followers"),
		Explanation: deliverytext.State(state, req.since), Answer: state.Answer}
	// Put the status code first, unless the text of the answer contains it already.
	if state.Code != 0 && !strings.Contains(state.Answer, fmt.Sprint(state.Code)) {
		row.Answer = strings.TrimSpace(fmt.Sprintf("%d %s", state.Code, state.Answer))
	}
	switch {
	case state.NothingToDelete():
		row.Class, row.StatusText = "gone", "nothing to delete"
	case state.Status == blog.Retrying:
		// The server asked for a pause (429 or Retry-After), so there is no retry button.
		row.Class, row.Retry = "again", !state.AskedToWait()
		row.StatusText = fmt.Sprintf("try %d %s", state.Attempts+1, nextTry(state.NextAt, req))
	case state.Status == blog.Refused:
		row.Class, row.StatusText, row.Retry = "no", "refused", true
	case state.Status == blog.GivenUp:
		row.Class, row.StatusText, row.Retry = "no", "given up", true
		if state.Attempts > 0 {
			row.StatusText = "given up after " + text.Plural(state.Attempts, "try", "tries")
		}
	case state.Status == blog.GoneAway:
		row.Class, row.StatusText, row.Retry = "gone", "gone", true
	case state.Status == blog.Waiting:
		row.Class, row.StatusText = "wait", "waiting"
		// A delivery that just waits its turn goes out within the minute. A later time means that the server is in
		// back-off.
		if state.NextAt.After(req.now.Add(time.Minute)) {
			row.StatusText, row.Retry = "waiting for its server, "+nextTry(state.NextAt, req), !state.AskedToWait()
		}
	default:
		row.Class, row.StatusText = "done", "delivered in "+duration(state.TookMS)
	}
	if state.Past {
		row.StatusText, row.Retry = string(state.Status), false
	}
	return row
}

// since formats a time in the past, to stand after "since": "11:15 today", "Friday 9:30".
func (req *request) since(at time.Time) string {
	words := when(at, req.now, req.zone)
	// "since today 11:15" is no English.
	if day, clock, _ := strings.Cut(words, " "); day == "today" || day == "yesterday" {
		return clock + " " + day
	}
	return words
}

// nextTry formats the time of the next try.
func nextTry(at time.Time, req *request) string {
	// The courier looks for due deliveries every few seconds. An exact time in the past would look like a fault.
	if !at.After(req.now) {
		return "any moment now"
	}
	return when(at, req.now, req.zone)
}

// sort puts each server into its section of the page.
func (p *deliveriesPage) sort(rows []serverRow) {
	for _, row := range rows {
		p.CanRetry = p.CanRetry || row.Retry
		switch {
		case row.NothingToDelete() || row.Status == blog.Delivered:
			p.Done = append(p.Done, row)
		case row.Status == blog.Waiting:
			p.Waiting = append(p.Waiting, row)
		default:
			p.Problems = append(p.Problems, row)
		}
	}
}

// summary describes in one sentence how many servers have the article.
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
	hosts := map[blog.ID]map[string]int{}
	for _, row := range rows {
		if hosts[row.ActivityID] == nil {
			order, hosts[row.ActivityID] = append(order, row.ActivityID), map[string]int{}
		}
		// A superseded delivery does not count: a newer activity took its place.
		if row.Status != blog.Superseded {
			hosts[row.ActivityID][row.Host] = 1 + row.Alike
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
	// Without followers there are no deliveries that point to the activities, so they are read by the article's object.
	if a.ObjectID != "" && len(activities) == 0 {
		if activities, err = h.store.Activities(req.ctx(), a.ObjectID); err != nil {
			return nil, err
		}
		slices.Reverse(activities)
	}
	list := make([]activityRow, len(activities))
	for i, activity := range activities {
		n := 0
		for _, alike := range hosts[activity.ID] {
			n += alike
		}
		list[i] = req.activityRow(activity, n)
	}
	return list, nil
}

// activityNames are the words for activity types. The JSON below shows the type itself.
var activityNames = map[string]string{"Create": "Published", "Update": "Changed", "Delete": "Withdrawn",
	"Announce": "Announced to other followers",
	"Undo":     "Announcement undone", "QuoteRequest": "Asked for permission to quote"}

// activityRow shows an activity and the number of servers that it was sent to.
func (req *request) activityRow(a blog.Activity, servers int) activityRow {
	row := activityRow{Title: cmp.Or(activityNames[a.Kind], a.Kind) + " (" + a.Kind + ")", At: a.At.In(req.zone),
		When: when(a.At, req.now, req.zone)}
	if servers > 0 {
		row.Title += ", to " + text.Plural(servers, "server", "servers")
	}
	if a.Quiet {
		row.Note = "Sent without a notification. Most servers keep the old text until they fetch the article again."
	}
	// A payload that is not valid JSON is shown as it is stored.
	var pretty bytes.Buffer
	if json.Indent(&pretty, a.Payload, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(a.Payload)
	}
	row.JSON = pretty.String()
	return row
}

// retry makes failed deliveries due now: those to the server in the field host, or all if it is empty.
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
