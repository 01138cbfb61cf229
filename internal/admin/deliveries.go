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
	"causerie/internal/text"
)

// reportPage is the delivery report of an article: which server has it, which has not, and why.
type reportPage struct {
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
	Sent     []saying
	Unheard  bool // what was said went to nobody
	CanRetry bool
	Unnamed  []string      // handles in it behind which nobody was found
	Talk     *conversation // on other servers
}

const firstDone = 20 // delivered servers shown before one asks for all

// server is a line of the report: where an article went, and how that server stands with it.
type server struct {
	blog.Standing
	Followers     string
	Class, Status string // the shape and the word
	Words, Answer string
	Retry         bool
}

// saying is one thing that was said about an article.
type saying struct {
	Words string
	Note  string // what is unusual about it
	When  string
	At    time.Time
	JSON  string
}

func (d *Desk) report(v *visit) error {
	a, err := d.reportable(v)
	if err != nil {
		return err
	}
	f, err := d.frame(v, "articles", "Report: "+titled(a))
	if err != nil {
		return err
	}
	letters, err := d.store.Reports(v.ctx(), a.ID)
	if err != nil {
		return err
	}
	standings := blog.Standings(letters)
	unpublished, err := d.tellHold(v, &f, a)
	if err != nil {
		return err
	}
	p := reportPage{frame: f, Article: a, Mine: v.author.May(a.VoiceID), Sentence: v.sentenceOf(a, standings)}
	if unpublished {
		p.Sentence = "Nothing has left yet."
	}
	if a.PublishedAt != nil {
		p.When = moment(*a.PublishedAt, v.now, v.zone)
	}
	if a.OnTheWeb() {
		p.Address = v.site.ArticlePage(a)
	}
	p.Bar, p.Key = drawn(blog.Count(standings))
	p.sort(v.servers(standings))
	if v.r.URL.Query().Get("all") == "" && len(p.Done) > firstDone {
		p.More, p.Done = len(p.Done)-firstDone, p.Done[:firstDone]
	}
	if p.Sent, err = d.sayings(v, a, letters); err != nil {
		return err
	}
	p.Unheard = len(letters) == 0
	if p.Talk, err = d.conversation(v, a); err != nil {
		return err
	}
	if p.Unnamed, err = d.outbox.Unnamed(v.ctx(), a); err != nil {
		return err
	}
	return d.pages.Render(v.w, http.StatusOK, "admin/report", p)
}

// reportable finds the article of the path if the author may know what became of it.
func (d *Desk) reportable(v *visit) (blog.Article, error) {
	id, err := v.id("article")
	if err != nil {
		return blog.Article{}, err
	}
	a, err := d.store.Article(v.ctx(), id)
	if err == nil && !v.author.MayWrite(a.VoiceID) {
		err = errNotTheirs
	}
	return a, err
}

func (v *visit) servers(standings []blog.Standing) []server {
	list := make([]server, len(standings))
	for i, s := range standings {
		list[i] = v.server(s)
	}
	return list
}

func (v *visit) server(l blog.Standing) server {
	s := server{Standing: l, Followers: text.Plural(l.Followers, "follower", "followers"), Words: l.Words(v.since), Answer: l.Answer}
	if l.Code != 0 && !strings.Contains(l.Answer, fmt.Sprint(l.Code)) {
		s.Answer = strings.TrimSpace(fmt.Sprintf("%d %s", l.Code, l.Answer))
	}
	switch {
	case l.Spared():
		s.Class, s.Status = "gone", "nothing to take back"
	case l.Status == blog.Retrying:
		s.Class, s.Retry = "again", !l.Patient()
		s.Status = fmt.Sprintf("try %d %s", l.Attempts+1, nextTry(l.NextAt, v))
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
		if l.NextAt.After(v.now.Add(time.Minute)) {
			s.Status, s.Retry = "waiting for its server, "+nextTry(l.NextAt, v), !l.Patient()
		}
	default:
		s.Class, s.Status = "done", "delivered in "+within(l.TookMS)
	}
	return s
}

// since writes a moment of the past.
func (v *visit) since(at time.Time) string { return moment(at, v.now, v.zone) }

// nextTry is when a server is asked again.
func nextTry(at time.Time, v *visit) string {
	if !at.After(v.now) {
		return "any moment now"
	}
	return moment(at, v.now, v.zone)
}

func (p *reportPage) sort(servers []server) {
	for _, s := range servers {
		p.CanRetry = p.CanRetry || s.Retry
		switch {
		case s.Spared() || s.Standing.Status == blog.Delivered:
			p.Done = append(p.Done, s)
		case s.Standing.Status == blog.Waiting:
			p.Waiting = append(p.Waiting, s)
		default:
			p.Look = append(p.Look, s)
		}
	}
}

// sentenceOf says in words how far the article has come.
func (v *visit) sentenceOf(a blog.Article, standings []blog.Standing) string {
	summary := blog.Summary(standings, v.since)
	switch {
	case a.Status == blog.Draft:
		return "Not published yet."
	case a.Status == blog.Scheduled:
		return "It goes out " + comes(*a.ScheduledAt, v.now, v.zone) + ". Nothing was sent yet."
	case summary == "" && !a.Federates():
		return "It stands here on the web only; nothing was sent."
	case summary == "":
		return "There is nobody to send it to yet. Whoever follows you from now on gets what comes next."
	}
	return summary
}

// sayings lists what was said about an article, the newest first.
func (d *Desk) sayings(v *visit, a blog.Article, letters []blog.Report) ([]saying, error) {
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
	var said []blog.Activity
	for _, id := range order {
		activity, err := d.store.Activity(v.ctx(), id)
		if err != nil {
			return nil, err
		}
		said = append(said, activity)
	}
	if a.ObjectID != "" && len(said) == 0 { // and nobody was there to hear it
		var err error
		if said, err = d.store.Activities(v.ctx(), a.ObjectID); err != nil {
			return nil, err
		}
		slices.Reverse(said)
	}
	list := make([]saying, len(said))
	for i, activity := range said {
		list[i] = v.saying(activity, len(hosts[activity.ID]))
	}
	return list, nil
}

// kinds are the words for what was said; those of the wire stand in the JSON.
var kinds = map[string]string{"Create": "Published", "Update": "Changed", "Delete": "Taken back", "Announce": "Carried on to other followers",
	"Undo": "No longer carried on", "QuoteRequest": "Asked to be allowed a quote"}

func (v *visit) saying(a blog.Activity, servers int) saying {
	s := saying{Words: cmp.Or(kinds[a.Kind], a.Kind) + " (" + a.Kind + ")", At: a.At.In(v.zone), When: moment(a.At, v.now, v.zone)}
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

// retry lets the letters that did not arrive be tried again now: those to one server, or all.
func (d *Desk) retry(v *visit) error {
	a, err := d.reportable(v)
	if err != nil {
		return err
	}
	if !v.author.May(a.VoiceID) {
		return blog.ErrForbidden
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	if _, err := d.outbox.Retry(v.ctx(), a.ID, form.Get("host")); err != nil {
		return err
	}
	return v.see("/admin/articles/" + string(a.ID) + "/report?done=retrying")
}
