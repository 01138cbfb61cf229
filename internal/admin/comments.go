package admin

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
	"causerie/internal/text"
)

// commentsPage lists comments by what was made of them.
type commentsPage struct {
	frame
	Heading string
	Tabs    []tab
	Tab     string
	Rows    []held
	Pager   pager
}

// held is a comment as a moderator sees it: the words, who wrote them, where, and what can be done.
type held struct {
	ID       blog.ID
	Why      string // it waits; "" when it does not
	Class    string // of the shape before Why
	Article  string
	URL      string // of the article's page; "" when it has none
	Answers  string // whose words it answers, and how they begin
	Who      person
	Facts    string // what ties them to this blog
	When     string
	Home     string // where it can be read at its home
	Language string
	Warning  string
	Words    template.HTML
	Markdown string // of our own answers, to be changed
	Begins   string // in plain words, for lists
	Own      bool
	Is       string // what it does, where it is a post elsewhere and no answer
	Quoter   bool   // it quotes by a permission that can be taken back
	Private  bool
	State    blog.CommentState
	May      bool
	Block    string // the way to a block of who wrote it, for those who may
	Tab      string // to come back to
}

// person is somebody elsewhere, or an author of ours.
type person struct {
	Name, User, Host string
	URL              string
	Picture          string
}

// piles are the tabs of the comments page.
var piles = []struct {
	name, word, heading string
	states              []blog.CommentState
}{
	{"waiting", "Waiting", "", []blog.CommentState{blog.CommentWaiting}},
	{"published", "Published", "Published comments", []blog.CommentState{blog.CommentShown}},
	{"hidden", "Hidden", "Hidden comments", []blog.CommentState{blog.CommentHidden}},
	{"spam", "Spam", "Spam", []blog.CommentState{blog.CommentSpam}},
	{"private", "Private", "Written to you alone", nil},
}

const commentsPerPage = 30

func (d *Desk) comments(v *visit) error {
	f, err := d.frame(v, "comments", "Comments")
	if err != nil {
		return err
	}
	p := commentsPage{frame: f, Tab: v.r.URL.Query().Get("tab")}
	if p.Tab == "" {
		p.Tab = "waiting"
	}
	for _, pile := range piles {
		list := v.pile(pile.name, pile.states)
		n, err := d.store.CountComments(v.ctx(), list)
		if err != nil {
			return err
		}
		p.Tabs = append(p.Tabs, tab{Word: pile.word, URL: "/admin/comments?tab=" + pile.name, Count: n, Here: pile.name == p.Tab})
		if pile.name != p.Tab {
			continue
		}
		if p.Heading = pile.heading; p.Heading == "" {
			p.Heading = upper(text.PluralInWords(n, "comment waits", "comments wait"))
		}
		list.Limit, list.Offset = commentsPerPage+1, offset(v.r)
		if err := d.readPile(v, &p, list); err != nil {
			return err
		}
	}
	if p.Heading == "" {
		return blog.ErrNotFound
	}
	p.Title = p.Heading
	p.Toast = v.commentToast(p.Toast)
	return d.pages.Render(v.w, http.StatusOK, "admin/comments", p)
}

// pile is which comments stand in a tab. What was written to an author alone is shown to nobody else, whatever their
// role.
func (v *visit) pile(name string, states []blog.CommentState) store.CommentList {
	if name == "private" {
		return store.CommentList{Voice: v.author.ID, Private: true, States: []blog.CommentState{blog.CommentShown, blog.CommentWaiting}}
	}
	return store.CommentList{Voice: v.own(), States: states}
}

func (d *Desk) readPile(v *visit, p *commentsPage, list store.CommentList) error {
	comments, err := d.store.Comments(v.ctx(), list)
	if err != nil {
		return err
	}
	if p.Rows, err = d.held(v, comments); err != nil {
		return err
	}
	for i := range p.Rows {
		p.Rows[i].Tab = p.Tab
	}
	p.Pager, p.Rows = turn(v.r, p.Rows, commentsPerPage)
	return nil
}

// commentToast adds the way back to what was done to a comment.
func (v *visit) commentToast(t *toast) *toast {
	q := v.r.URL.Query()
	id, was := q.Get("comment"), blog.CommentState(q.Get("was"))
	if t != nil && blog.ValidID(id) && movable[was] {
		t.Undo = &undo{Action: "/admin/comments/" + id + "/state", Name: "state", Value: string(was)}
	}
	return t
}

// held makes comments ready to be shown, with their writers, articles and what they answer.
func (d *Desk) held(v *visit, comments []blog.Comment) ([]held, error) {
	var actors []string
	for _, c := range comments {
		actors = append(actors, c.ActorID)
	}
	known, err := d.store.Actors(v.ctx(), actors)
	if err != nil {
		return nil, err
	}
	articles := map[blog.ID]blog.Article{}
	rows := make([]held, 0, len(comments))
	for _, c := range comments {
		a, seen := articles[c.ArticleID]
		if !seen {
			if a, err = d.store.Article(v.ctx(), c.ArticleID); err != nil {
				return nil, err
			}
			articles[c.ArticleID] = a
		}
		row, err := d.heldOne(v, c, a, known[c.ActorID])
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (d *Desk) heldOne(v *visit, c blog.Comment, a blog.Article, actor blog.Actor) (held, error) {
	h := held{ID: c.ID, Article: a.Title, Own: c.VoiceID != "", Private: c.Visibility == blog.RestrictedComment, State: c.State,
		When: moment(c.ArrivedAt, v.now, v.zone), Home: c.URL, Language: c.Language, Warning: c.Warning, Markdown: c.Markdown,
		Words: said(c.HTML, c.Plain), Begins: text.Excerpt(c.Plain, 160), May: v.mayModerate(c, a)}
	if a.OnTheWeb() {
		h.URL = v.site.ArticlePath(a)
	}
	if (frame{Author: v.author}).IsModerator() {
		h.Block = blockPath(c.ActorID)
	}
	h.Why, h.Class = why(c, a)
	h.Is = posts[c.Kind]
	var err error
	if c.Kind == blog.Quoting {
		t, err := d.store.StampFor(v.ctx(), blog.QuoteStamp, c.Address)
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return h, err
		}
		h.Quoter = t.State == blog.StampGiven
	}
	if h.Who, h.Facts, err = d.writer(v.ctx(), c, actor); err != nil {
		return h, err
	}
	h.Answers, err = d.answered(v.ctx(), c)
	return h, err
}

// said are the words of somebody, or the word that there are none that could be shown.
func said(html, plain string) template.HTML {
	if strings.TrimSpace(plain) == "" {
		return `<p class="soft">(no text)</p>`
	}
	return markup.Trusted(html).HTML()
}

// posts are the words for what posts elsewhere do that are no answers.
var posts = map[blog.CommentKind]string{blog.Quoting: "quotes this article", blog.Mentioning: "mentions this article", blog.Linking: "mentions this article"}

// why says what keeps a comment from the page.
func why(c blog.Comment, a blog.Article) (words, class string) {
	switch {
	case c.Visibility == blog.RestrictedComment:
		return "Private: for you alone, and shown nowhere", "wait"
	case c.Refused:
		return "Blocked: shown nowhere", "no"
	case c.State == blog.CommentHidden:
		return "Hidden", "gone"
	case c.State == blog.CommentSpam:
		return "Spam", "no"
	case c.State != blog.CommentWaiting:
		return "", ""
	case c.Held:
		return "Held: who wrote it is limited", "wait"
	case c.Kind != blog.Answering && a.Comments == blog.Closed:
		return "Held: this article takes no more replies, and this is a post elsewhere about it", "wait"
	case c.Kind == blog.Quoting && a.Quotes != "everyone":
		return "Held: it quotes the article and has no permission to", "wait"
	case a.Comments == blog.Known:
		return "Held: a first comment", "wait"
	case a.Comments == blog.Approve:
		return "Held: you read every comment on this article first", "wait"
	}
	return "Held", "wait"
}

func (d *Desk) writer(ctx context.Context, c blog.Comment, actor blog.Actor) (person, string, error) {
	if c.VoiceID != "" {
		voice, err := d.store.Voice(ctx, c.VoiceID)
		return person{Name: voice.Name, User: voice.Handle, Host: d.address.HandleDomain, URL: "/@" + voice.Handle, Picture: mediaPath(voice.Picture)}, "", err
	}
	ties, err := d.store.Relation(ctx, c.ActorID)
	var facts []string
	if !ties.ApprovedBefore {
		facts = append(facts, "new here")
	}
	if ties.Follows {
		facts = append(facts, "follows you")
	}
	if ties.Followed {
		facts = append(facts, "you follow them")
	}
	return someone(actor), strings.Join(facts, ", "), err
}

func someone(a blog.Actor) person {
	user, host, _ := strings.Cut(a.Handle, "@")
	return person{Name: a.DisplayName(), User: user, Host: host, URL: a.URL}
}

// answered says whose words a comment answers.
func (d *Desk) answered(ctx context.Context, c blog.Comment) (string, error) {
	if c.ParentID == "" {
		return "", nil
	}
	parent, err := d.store.Comment(ctx, c.ParentID)
	if errors.Is(err, blog.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	actor, err := d.store.Actor(ctx, parent.ActorID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return "", err
	}
	who, _, err := d.writer(ctx, parent, actor)
	if parent.State == blog.CommentRemoved {
		return who.Name, err
	}
	return who.Name + ": “" + text.Excerpt(parent.Plain, 90) + "”", err
}

// mayModerate tells whether the author may act on a comment; on what was written to one author alone, nobody else may.
func (v *visit) mayModerate(c blog.Comment, a blog.Article) bool {
	if c.Visibility == blog.RestrictedComment {
		return a.VoiceID == v.author.ID
	}
	return v.author.May(a.VoiceID)
}

// moderated finds the comment of the path, if the author may act on it.
func (d *Desk) moderated(v *visit) (blog.Comment, blog.Article, error) {
	id, err := v.id("comment")
	if err != nil {
		return blog.Comment{}, blog.Article{}, err
	}
	c, err := d.store.Comment(v.ctx(), id)
	if err != nil {
		return c, blog.Article{}, err
	}
	a, err := d.store.Article(v.ctx(), c.ArticleID)
	if err == nil && !v.mayModerate(c, a) {
		err = errNotTheirs
	}
	return c, a, err
}

// movable are the states that a form may ask for.
var movable = map[blog.CommentState]bool{blog.CommentWaiting: true, blog.CommentShown: true, blog.CommentHidden: true, blog.CommentSpam: true}

// acts are the words for what a state makes of a comment.
var acts = map[blog.CommentState]string{blog.CommentWaiting: "waiting", blog.CommentShown: "approved", blog.CommentHidden: "hidden", blog.CommentSpam: "spam"}

func (d *Desk) moderate(v *visit) error {
	c, _, err := d.moderated(v)
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	state := blog.CommentState(form.Get("state"))
	if !movable[state] {
		return blog.Invalid{Field: "state", Problem: "is none that a comment can have"}
	}
	if c.State == blog.CommentRemoved {
		return blog.ErrGone
	}
	if err := d.outbox.Moderate(v.ctx(), c.ID, state); err != nil {
		return err
	}
	query := url.Values{"tab": {pileName(form.Get("tab"))}, "done": {acts[state]}, "comment": {string(c.ID)}, "was": {string(c.State)}}
	return v.see("/admin/comments?" + query.Encode())
}

// pileName is a tab to come back to.
func pileName(name string) string {
	for _, pile := range piles {
		if pile.name == name {
			return name
		}
	}
	return "waiting"
}

// revokeQuote takes back the permission to quote an article.
func (d *Desk) revokeQuote(v *visit) error { return d.endComment(v, d.outbox.RevokeQuote, "revoked") }

func (d *Desk) deleteComment(v *visit) error { return d.endComment(v, d.outbox.DeleteReply, "removed") }

// endComment does to the comment of the path what cannot be undone.
func (d *Desk) endComment(v *visit, end func(context.Context, blog.ID) error, done string) error {
	c, _, err := d.moderated(v)
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := end(v.ctx(), c.ID); err != nil {
		return err
	}
	return v.see("/admin/comments?" + url.Values{"tab": {pileName(form.Get("tab"))}, "done": {done}}.Encode())
}

// commentPage is one comment with room to answer it.
type commentPage struct {
	frame
	Held     held
	Text     string // the answer, as typed
	Report   string // the words to their moderators, as typed
	Reported string // what became of a report; "" before there is one
	Edit     bool   // it is our own, and its words may be changed
	Troubles troubles
}

func (d *Desk) showComment(v *visit) error {
	c, a, err := d.moderated(v)
	if err != nil {
		return err
	}
	return d.comment(v, http.StatusOK, c, a, commentPage{Text: c.Markdown, Troubles: troubles{}})
}

func (d *Desk) comment(v *visit, status int, c blog.Comment, a blog.Article, p commentPage) error {
	f, err := d.frame(v, "comments", "A comment on "+a.Title)
	if err != nil {
		return err
	}
	actor, err := d.store.Actor(v.ctx(), c.ActorID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	p.frame, p.Edit = f, c.VoiceID != ""
	if p.Held, err = d.heldOne(v, c, a, actor); err != nil {
		return err
	}
	p.Held.Tab = pileName(v.r.URL.Query().Get("tab"))
	if p.Reported, err = d.reported(v, c); err != nil {
		return err
	}
	return d.pages.Render(v.w, status, "admin/comment", p)
}

// reported says what became of our report of a comment; "" when there is none.
func (d *Desk) reported(v *visit, c blog.Comment) (string, error) {
	sent, err := d.store.ComplaintAbout(v.ctx(), c.ID)
	if err != nil {
		return "", known(err)
	}
	row, err := d.complaint(v, sent)
	return "Reported to " + row.Host + " " + row.When + " by " + row.By + ": " + row.Status + ".", err
}

func (d *Desk) reply(v *visit) error {
	return d.answer(v, func(c blog.Comment, text string) error {
		_, err := d.outbox.Reply(v.ctx(), v.author.Voice, c.ID, text)
		return err
	})
}

func (d *Desk) editReply(v *visit) error {
	return d.answer(v, func(c blog.Comment, text string) error {
		if c.VoiceID != v.author.ID {
			return blog.ErrForbidden // nobody puts words into another's mouth
		}
		return d.outbox.EditReply(v.ctx(), c.ID, text)
	})
}

// answer takes the form below a comment; what cannot be sent comes back with its words.
func (d *Desk) answer(v *visit, say func(blog.Comment, string) error) error {
	c, a, err := d.moderated(v)
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := commentPage{Text: form.Get("text"), Troubles: troubles{}}
	if err := p.Troubles.note(say(c, p.Text)); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return d.comment(v, http.StatusUnprocessableEntity, c, a, p)
	}
	return v.see("/admin/comments?" + url.Values{"tab": {pileName(form.Get("tab"))}, "done": {"replied"}}.Encode())
}
