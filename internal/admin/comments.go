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
	Rows    []commentRow
	Pager   pager
}

// commentRow is a comment as a moderator sees it: the words, who wrote them, where, and what can be done.
type commentRow struct {
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

// commentTabs are the tabs of the comments page.
var commentTabs = []struct {
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

func (h *Handler) comments(req *request) error {
	f, err := h.frame(req, "comments", "Comments")
	if err != nil {
		return err
	}
	p := commentsPage{frame: f, Tab: req.r.URL.Query().Get("tab")}
	if p.Tab == "" {
		p.Tab = "waiting"
	}
	for _, pile := range commentTabs {
		list := req.commentTab(pile.name, pile.states)
		n, err := h.store.CountComments(req.ctx(), list)
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
		list.Limit, list.Offset = commentsPerPage+1, offset(req.r)
		if err := h.readTab(req, &p, list); err != nil {
			return err
		}
	}
	if p.Heading == "" {
		return blog.ErrNotFound
	}
	p.Title = p.Heading
	p.Toast = req.commentToast(p.Toast)
	return h.pages.Render(req.w, http.StatusOK, "admin/comments", p)
}

// commentTab is which comments stand in a tab. What was written to an author alone is shown to nobody else, whatever their
// role.
func (req *request) commentTab(name string, states []blog.CommentState) store.CommentList {
	if name == "private" {
		return store.CommentList{Voice: req.author.ID, Private: true, States: []blog.CommentState{blog.CommentShown, blog.CommentWaiting}}
	}
	return store.CommentList{Voice: req.scope(), States: states}
}

func (h *Handler) readTab(req *request, p *commentsPage, list store.CommentList) error {
	comments, err := h.store.Comments(req.ctx(), list)
	if err != nil {
		return err
	}
	if p.Rows, err = h.commentRows(req, comments); err != nil {
		return err
	}
	for i := range p.Rows {
		p.Rows[i].Tab = p.Tab
	}
	p.Pager, p.Rows = turn(req.r, p.Rows, commentsPerPage)
	return nil
}

// commentToast adds the way back to what was done to a comment.
func (req *request) commentToast(t *toast) *toast {
	q := req.r.URL.Query()
	id, was := q.Get("comment"), blog.CommentState(q.Get("was"))
	if t != nil && blog.ValidID(id) && movable[was] {
		t.Undo = &undo{Action: "/admin/comments/" + id + "/state", Name: "state", Value: string(was)}
	}
	return t
}

// commentRows makes comments ready to be shown, with their writers, articles and what they answer.
func (h *Handler) commentRows(req *request, comments []blog.Comment) ([]commentRow, error) {
	var actors []string
	for _, c := range comments {
		actors = append(actors, c.ActorID)
	}
	known, err := h.store.Actors(req.ctx(), actors)
	if err != nil {
		return nil, err
	}
	articles := map[blog.ID]blog.Article{}
	rows := make([]commentRow, 0, len(comments))
	for _, c := range comments {
		a, seen := articles[c.ArticleID]
		if !seen {
			if a, err = h.store.Article(req.ctx(), c.ArticleID); err != nil {
				return nil, err
			}
			articles[c.ArticleID] = a
		}
		row, err := h.commentRow(req, c, a, known[c.ActorID])
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (d *Handler) commentRow(req *request, c blog.Comment, a blog.Article, actor blog.Actor) (commentRow, error) {
	h := commentRow{ID: c.ID, Article: a.Title, Own: c.VoiceID != "", Private: c.Visibility == blog.RestrictedComment, State: c.State,
		When: when(c.ArrivedAt, req.now, req.zone), Home: c.URL, Language: c.Language, Warning: c.Warning, Markdown: c.Markdown,
		Words: bodyHTML(c.HTML, c.Plain), Begins: text.Excerpt(c.Plain, 160), May: req.mayModerate(c, a)}
	if a.OnTheWeb() {
		h.URL = req.site.ArticlePath(a)
	}
	if (frame{Author: req.author}).IsModerator() {
		h.Block = blockPath(c.ActorID)
	}
	h.Why, h.Class = stateText(c, a)
	h.Is = posts[c.Kind]
	var err error
	if c.Kind == blog.Quoting {
		t, err := d.store.AuthorizationFor(req.ctx(), blog.QuoteStamp, c.Address)
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return h, err
		}
		h.Quoter = t.State == blog.StampGiven
	}
	if h.Who, h.Facts, err = d.writer(req.ctx(), c, actor); err != nil {
		return h, err
	}
	h.Answers, err = d.answered(req.ctx(), c)
	return h, err
}

// bodyHTML are the words of somebody, or the word that there are none that could be shown.
func bodyHTML(html, plain string) template.HTML {
	if strings.TrimSpace(plain) == "" {
		return `<p class="soft">(no text)</p>`
	}
	return markup.Trusted(html).HTML()
}

// posts are the words for what posts elsewhere do that are no answers.
var posts = map[blog.CommentKind]string{blog.Quoting: "quotes this article", blog.Mentioning: "mentions this article", blog.Linking: "mentions this article"}

// stateText says what keeps a comment from the page.
func stateText(c blog.Comment, a blog.Article) (words, class string) {
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

func (h *Handler) writer(ctx context.Context, c blog.Comment, actor blog.Actor) (person, string, error) {
	if c.VoiceID != "" {
		voice, err := h.store.Voice(ctx, c.VoiceID)
		return person{Name: voice.Name, User: voice.Handle, Host: h.address.HandleDomain, URL: "/@" + voice.Handle, Picture: mediaPath(voice.Picture)}, "", err
	}
	ties, err := h.store.Relation(ctx, c.ActorID)
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
func (h *Handler) answered(ctx context.Context, c blog.Comment) (string, error) {
	if c.ParentID == "" {
		return "", nil
	}
	parent, err := h.store.Comment(ctx, c.ParentID)
	if errors.Is(err, blog.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	actor, err := h.store.Actor(ctx, parent.ActorID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return "", err
	}
	who, _, err := h.writer(ctx, parent, actor)
	if parent.State == blog.CommentRemoved {
		return who.Name, err
	}
	return who.Name + ": “" + text.Excerpt(parent.Plain, 90) + "”", err
}

// mayModerate tells whether the author may act on a comment; on what was written to one author alone, nobody else may.
func (req *request) mayModerate(c blog.Comment, a blog.Article) bool {
	if c.Visibility == blog.RestrictedComment {
		return a.VoiceID == req.author.ID
	}
	return req.author.May(a.VoiceID)
}

// moderated finds the comment of the path, if the author may act on it.
func (h *Handler) moderated(req *request) (blog.Comment, blog.Article, error) {
	id, err := req.id("comment")
	if err != nil {
		return blog.Comment{}, blog.Article{}, err
	}
	c, err := h.store.Comment(req.ctx(), id)
	if err != nil {
		return c, blog.Article{}, err
	}
	a, err := h.store.Article(req.ctx(), c.ArticleID)
	if err == nil && !req.mayModerate(c, a) {
		err = errNotTheirs
	}
	return c, a, err
}

// movable are the states that a form may ask for.
var movable = map[blog.CommentState]bool{blog.CommentWaiting: true, blog.CommentShown: true, blog.CommentHidden: true, blog.CommentSpam: true}

// acts are the words for what a state makes of a comment.
var acts = map[blog.CommentState]string{blog.CommentWaiting: "waiting", blog.CommentShown: "approved", blog.CommentHidden: "hidden", blog.CommentSpam: "spam"}

func (h *Handler) moderate(req *request) error {
	c, _, err := h.moderated(req)
	if err != nil {
		return err
	}
	form, err := req.form()
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
	if err := h.outbox.Moderate(req.ctx(), c.ID, state); err != nil {
		return err
	}
	query := url.Values{"tab": {tabName(form.Get("tab"))}, "done": {acts[state]}, "comment": {string(c.ID)}, "was": {string(c.State)}}
	return req.redirect("/admin/comments?" + query.Encode())
}

// tabName is a tab to come back to.
func tabName(name string) string {
	for _, pile := range commentTabs {
		if pile.name == name {
			return name
		}
	}
	return "waiting"
}

// revokeQuote takes back the permission to quote an article.
func (h *Handler) revokeQuote(req *request) error {
	return h.endComment(req, h.outbox.RevokeQuote, "revoked")
}

func (h *Handler) deleteComment(req *request) error {
	return h.endComment(req, h.outbox.DeleteReply, "removed")
}

// endComment does to the comment of the path what cannot be undone.
func (h *Handler) endComment(req *request, end func(context.Context, blog.ID) error, done string) error {
	c, _, err := h.moderated(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	if err := end(req.ctx(), c.ID); err != nil {
		return err
	}
	return req.redirect("/admin/comments?" + url.Values{"tab": {tabName(form.Get("tab"))}, "done": {done}}.Encode())
}

// commentPage is one comment with room to answer it.
type commentPage struct {
	frame
	Held     commentRow
	Text     string // the answer, as typed
	Report   string // the words to their moderators, as typed
	Reported string // what became of a report; "" before there is one
	Edit     bool   // it is our own, and its words may be changed
	Troubles fieldErrors
}

func (h *Handler) showComment(req *request) error {
	c, a, err := h.moderated(req)
	if err != nil {
		return err
	}
	return h.comment(req, http.StatusOK, c, a, commentPage{Text: c.Markdown, Troubles: fieldErrors{}})
}

func (h *Handler) comment(req *request, status int, c blog.Comment, a blog.Article, p commentPage) error {
	f, err := h.frame(req, "comments", "A comment on "+a.Title)
	if err != nil {
		return err
	}
	actor, err := h.store.Actor(req.ctx(), c.ActorID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	p.frame, p.Edit = f, c.VoiceID != ""
	if p.Held, err = h.commentRow(req, c, a, actor); err != nil {
		return err
	}
	p.Held.Tab = tabName(req.r.URL.Query().Get("tab"))
	if p.Reported, err = h.reported(req, c); err != nil {
		return err
	}
	return h.pages.Render(req.w, status, "admin/comment", p)
}

// reported says what became of our report of a comment; "" when there is none.
func (h *Handler) reported(req *request, c blog.Comment) (string, error) {
	sent, err := h.store.ComplaintAbout(req.ctx(), c.ID)
	if err != nil {
		return "", known(err)
	}
	row, err := h.reportRow(req, sent)
	return "Reported to " + row.Host + " " + row.When + " by " + row.By + ": " + row.Status + ".", err
}

func (h *Handler) reply(req *request) error {
	return h.answer(req, func(c blog.Comment, text string) error {
		_, err := h.outbox.Reply(req.ctx(), req.author.Voice, c.ID, text)
		return err
	})
}

func (h *Handler) editReply(req *request) error {
	return h.answer(req, func(c blog.Comment, text string) error {
		if c.VoiceID != req.author.ID {
			return blog.ErrForbidden // nobody puts words into another's mouth
		}
		return h.outbox.EditReply(req.ctx(), c.ID, text)
	})
}

// answer takes the form below a comment; what cannot be sent comes back with its words.
func (h *Handler) answer(req *request, say func(blog.Comment, string) error) error {
	c, a, err := h.moderated(req)
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := commentPage{Text: form.Get("text"), Troubles: fieldErrors{}}
	if err := p.Troubles.add(say(c, p.Text)); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return h.comment(req, http.StatusUnprocessableEntity, c, a, p)
	}
	return req.redirect("/admin/comments?" + url.Values{"tab": {tabName(form.Get("tab"))}, "done": {"replied"}}.Encode())
}
