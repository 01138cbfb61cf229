package admin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
)

// reportPage is the delivery report of an article: which server has it, which has not, and why.
type reportPage struct {
	frame
	Article  blog.Article
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
	CanRetry bool
	Talk     *conversation // on other servers
}

const firstDone = 20 // delivered servers shown before one asks for all

// keyLine is one entry of the bar's key: a shape, a number, a word.
type keyLine struct{ Class, Words string }

// server is where an article went, in its latest form.
type server struct {
	Host, Software string
	Followers      string
	Class, Status  string // the shape and the word
	Answer         string
	Retry          bool
	rank           int
	kind           blog.DeliveryStatus
	tookMS         int64
}

// saying is one thing that was said about an article.
type saying struct {
	Words string
	When  string
	At    time.Time
	JSON  string
}

// sentLetters are the letters about an article, by server.
type sentLetters struct {
	servers    []server
	activities []blog.Activity
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
	letters, err := d.sent(v, a)
	if err != nil {
		return err
	}
	unpublished, err := d.tellHold(v, &f, a)
	if err != nil {
		return err
	}
	p := reportPage{frame: f, Article: a, Sentence: sentenceOf(a, letters.servers)}
	if unpublished {
		p.Sentence = "Nothing has left yet."
	}
	if a.PublishedAt != nil {
		p.When = moment(*a.PublishedAt, v.now, v.zone)
	}
	if a.OnTheWeb() {
		p.Address = v.site.ArticlePage(a)
	}
	p.sort(letters.servers)
	if v.r.URL.Query().Get("all") == "" && len(p.Done) > firstDone {
		p.More, p.Done = len(p.Done)-firstDone, p.Done[:firstDone]
	}
	p.Sent = v.sayings(letters.activities)
	if p.Talk, err = d.conversation(v, a); err != nil {
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

// sent gathers the letters about the article itself. Those about comments under it are left out, and so are those that
// a later letter made needless.
func (d *Desk) sent(v *visit, a blog.Article) (sentLetters, error) {
	var s sentLetters
	letters, err := d.store.Reports(v.ctx(), a.ID)
	if err != nil {
		return s, err
	}
	about := map[blog.ID]bool{}
	for _, l := range letters {
		if _, known := about[l.ActivityID]; known {
			continue
		}
		said, ours, err := d.saidAbout(v, l.ActivityID)
		if err != nil {
			return s, err
		}
		if about[l.ActivityID] = ours; ours {
			s.activities = append(s.activities, said)
		}
	}
	if a.ObjectID != "" && len(s.activities) == 0 { // said, and nobody there to hear it
		if s.activities, err = d.store.Activities(v.ctx(), a.ObjectID); err != nil {
			return s, err
		}
		slices.Reverse(s.activities)
	}
	s.servers = v.servers(slices.DeleteFunc(letters, func(l blog.Report) bool { return !about[l.ActivityID] || l.Status == blog.Superseded }))
	return s, nil
}

// saidAbout finds an activity, and whether it is about the article and not about a comment under it.
func (d *Desk) saidAbout(v *visit, id blog.ID) (blog.Activity, bool, error) {
	said, err := d.store.Activity(v.ctx(), id)
	if err != nil {
		return said, false, err
	}
	object, err := d.store.Object(v.ctx(), said.ObjectID)
	if errors.Is(err, blog.ErrNotFound) {
		return said, false, nil
	}
	return said, object.CommentID == "", err
}

// servers makes a line for each server from the newest letters to it; where it has several inboxes, the one that fares
// worst speaks for it.
func (v *visit) servers(letters []blog.Report) []server {
	newest := map[string]blog.ID{}
	lines := map[string]server{}
	followers := map[string]int{}
	slices.SortStableFunc(letters, func(a, b blog.Report) int { return cmp.Compare(second(a.Kind), second(b.Kind)) })
	for _, l := range letters {
		if newest[l.Host] == "" {
			newest[l.Host] = l.ActivityID
		}
		if l.ActivityID != newest[l.Host] {
			continue
		}
		followers[l.Host] += l.Followers
		line := v.server(l)
		if have, ok := lines[l.Host]; !ok || line.rank < have.rank {
			lines[l.Host] = line
		}
	}
	list := make([]server, 0, len(lines))
	for host, line := range lines {
		line.Followers = many(followers[host], "follower", "followers")
		list = append(list, line)
	}
	slices.SortFunc(list, func(a, b server) int { return cmp.Or(a.rank-b.rank, strings.Compare(a.Host, b.Host)) })
	return list
}

// second puts the letters of those who carry an article on after its own, whose fate they do not tell.
func second(kind string) int {
	if kind == "Announce" || kind == "Undo" {
		return 1
	}
	return 0
}

func (v *visit) server(l blog.Report) server {
	s := server{Host: l.Host, Software: l.Software, Answer: l.Answer, kind: l.Status, tookMS: l.TookMS}
	if l.Code != 0 && !strings.Contains(l.Answer, fmt.Sprint(l.Code)) {
		s.Answer = strings.TrimSpace(fmt.Sprintf("%d %s", l.Code, l.Answer))
	}
	switch l.Status {
	case blog.Retrying:
		s.Class, s.rank, s.Retry = "again", 0, true
		s.Status = fmt.Sprintf("try %d %s", l.Attempts+1, nextTry(l.NextAt, v))
	case blog.Refused:
		s.Class, s.Status, s.rank, s.Retry = "no", "refused", 1, true
	case blog.GivenUp:
		s.Class, s.Status, s.rank, s.Retry = "no", "given up after "+many(l.Attempts, "try", "tries"), 2, true
	case blog.GoneAway:
		s.Class, s.Status, s.rank, s.Retry = "gone", "gone", 3, true
	case blog.Waiting:
		s.Class, s.Status, s.rank = "wait", "waiting", 4
		if l.NextAt.After(v.now.Add(time.Minute)) {
			s.Status, s.Retry = "waiting for its server, "+nextTry(l.NextAt, v), true
		}
	default:
		s.Class, s.Status, s.rank = "done", "delivered in "+within(l.TookMS), 5
	}
	return s
}

// nextTry is when a server is asked again.
func nextTry(at time.Time, v *visit) string {
	if !at.After(v.now) {
		return "any moment now"
	}
	return moment(at, v.now, v.zone)
}

func (p *reportPage) sort(servers []server) {
	counts := map[blog.DeliveryStatus]int{}
	for _, s := range servers {
		counts[s.kind]++
		switch s.kind {
		case blog.Delivered:
			p.Done = append(p.Done, s)
		case blog.Waiting:
			p.Waiting = append(p.Waiting, s)
		default:
			p.Look = append(p.Look, s)
		}
		p.CanRetry = p.CanRetry || s.Retry
	}
	gone := counts[blog.GoneAway]
	p.Bar = bar(len(servers), piece{"", counts[blog.Delivered]}, piece{"again", counts[blog.Retrying]}, piece{"wait", counts[blog.Waiting]},
		piece{"no", counts[blog.Refused] + counts[blog.GivenUp]}, piece{"gone", gone})
	for _, k := range []struct {
		class, words string
		n            int
	}{{"done", "delivered", counts[blog.Delivered]}, {"again", "trying again", counts[blog.Retrying]}, {"wait", "waiting", counts[blog.Waiting]},
		{"no", "refused", counts[blog.Refused]}, {"no", "given up", counts[blog.GivenUp]}, {"gone", "gone", gone}} {
		if k.n > 0 {
			p.Key = append(p.Key, keyLine{k.class, figure(k.n) + " " + k.words})
		}
	}
}

// sentenceOf says in words how far the article has come.
func sentenceOf(a blog.Article, servers []server) string {
	counts := map[blog.DeliveryStatus]int{}
	var slowest int64
	for _, s := range servers {
		counts[s.kind]++
		slowest = max(slowest, s.tookMS)
	}
	total, delivered := len(servers), counts[blog.Delivered]
	what := "Delivered to"
	if a.Status == blog.Withdrawn || a.Status == blog.Deleted {
		what = "The request to forget it was delivered to"
	}
	switch {
	case a.Status == blog.Draft:
		return "Not published yet."
	case a.Status == blog.Scheduled:
		return "Nothing was sent yet: it waits for its moment."
	case total == 0 && !a.Federates():
		return "It stands here on the web only; nothing was sent."
	case total == 0:
		return "There is nobody to send it to yet. Whoever follows you from now on gets what comes next."
	case delivered == total && total == 1:
		return what + " the one server, in " + within(slowest) + "."
	case delivered == total:
		return fmt.Sprintf("%s all %d servers, in %s at most.", what, total, within(slowest))
	case counts[blog.Waiting] == total:
		return "On its way to " + many(total, "server", "servers") + "."
	}
	first := fmt.Sprintf("%s %d of %s.", what, delivered, many(total, "server", "servers"))
	rest := restOf(counts)
	return strings.TrimSpace(first + " " + rest)
}

// restOf says what the servers that have it not are doing: "Three are silent, one refused, one has closed."
func restOf(counts map[blog.DeliveryStatus]int) string {
	var parts []string
	add := func(n int, one, several string) {
		if n == 1 {
			parts = append(parts, "one "+one)
		} else if n > 1 {
			parts = append(parts, number(n)+" "+several)
		}
	}
	add(counts[blog.Waiting], "is waiting its turn", "are waiting their turn")
	add(counts[blog.Retrying], "is silent", "are silent")
	add(counts[blog.Refused], "refused", "refused")
	add(counts[blog.GivenUp], "was given up", "were given up")
	add(counts[blog.GoneAway], "has closed", "have closed")
	if len(parts) == 0 {
		return ""
	}
	return upper(strings.Join(parts, ", ")) + "."
}

// kinds are the words for what was said; those of the wire stand in the JSON.
var kinds = map[string]string{"Create": "Published", "Update": "Changed", "Delete": "Taken back", "Announce": "Carried on to other followers",
	"Undo": "No longer carried on"}

func (v *visit) sayings(activities []blog.Activity) []saying {
	list := make([]saying, 0, len(activities))
	for _, a := range activities {
		words := kinds[a.Kind]
		if words == "" {
			words = a.Kind
		}
		var pretty bytes.Buffer
		if json.Indent(&pretty, a.Payload, "", "  ") != nil {
			pretty.Reset()
			pretty.Write(a.Payload)
		}
		list = append(list, saying{Words: words + " (" + a.Kind + ")", At: a.At.In(v.zone), When: moment(a.At, v.now, v.zone), JSON: pretty.String()})
	}
	return list
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
