package admin

import (
	"cmp"
	"context"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
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
var commentTabs = []listTab[store.CommentList]{
	{name: "waiting", word: "Waiting", filter: store.CommentList{States: []blog.CommentState{blog.CommentWaiting}}},
	{name: "published", word: "Published", heading: "Published comments",
		filter: store.CommentList{States: []blog.CommentState{blog.CommentShown}}},
	{name: "hidden", word: "Hidden", heading: "Hidden comments",
		filter: store.CommentList{States: []blog.CommentState{blog.CommentHidden}}},
	{name: "spam", word: "Spam", heading: "Spam",
		filter: store.CommentList{States: []blog.CommentState{blog.CommentSpam}}},
	{name: "private", word: "Private", heading: "Written to you alone",
		filter: store.CommentList{Private: true, States: []blog.CommentState{blog.CommentShown, blog.CommentWaiting}}},
}

const commentsPerPage = 30

func (h *Handler) comments(req *request) error {
	f, err := h.frame(req, "comments", "Comments")
	if err != nil {
		return err
	}
	p := commentsPage{frame: f, Tab: cmp.Or(req.r.URL.Query().Get("tab"), "waiting")}
	tabs, open, err := readTabs("/admin/comments", p.Tab, commentTabs, func(t listTab[store.CommentList]) (int, error) {
		return h.store.CountComments(req.ctx(), req.commentList(t))
	})
	if err != nil {
		return err
	}
	p.Tabs = tabs
	p.Heading = cmp.Or(open.heading, upper(text.PluralInWords(rowsOf(tabs), "comment waits", "comments wait")))
	list := req.commentList(open)
	list.Limit, list.Offset = commentsPerPage+1, offset(req.r)
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
	p.Pager, p.Rows = paginate(req.r, p.Rows, commentsPerPage)
	p.Title = p.Heading
	p.Toast = req.commentToast(p.Toast)
	return h.pages.Render(req.w, http.StatusOK, "admin/comments", p)
}

// commentList selects the comments of a tab that the author may see.
func (req *request) commentList(t listTab[store.CommentList]) store.CommentList {
	list := t.filter
	list.Voice = req.scope()
	if list.Private {
		list.Voice = req.author.ID // no role opens what was written to another author alone
	}
	return list
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

// commentContext is what the rows of comments show beside the comments themselves. It is read for all rows at once, so
// that the number of queries does not grow with the rows.
type commentContext struct {
	people
	articles map[blog.ID]blog.Article
	parents  map[blog.ID]blog.Comment
	quotes   map[string]blog.Authorization // by the address of the quoting post
}

func (h *Handler) readContext(ctx context.Context, comments []blog.Comment) (commentContext, error) {
	var found commentContext
	var articles, parents []blog.ID
	var quotes []string
	for _, c := range comments {
		articles = append(articles, c.ArticleID)
		if c.ParentID != "" {
			parents = append(parents, c.ParentID)
		}
		if c.Kind == blog.Quoting {
			quotes = append(quotes, c.Address)
		}
	}
	var err error
	if found.articles, err = h.store.Heads(ctx, articles); err != nil {
		return found, err
	}
	if found.quotes, err = h.store.AuthorizationsFor(ctx, blog.QuoteStamp, quotes); err != nil {
		return found, err
	}
	if found.parents, err = h.store.CommentsByID(ctx, parents); err != nil {
		return found, err
	}
	var writers []string
	var voices []blog.ID
	for _, list := range [][]blog.Comment{comments, slices.Collect(maps.Values(found.parents))} {
		for _, c := range list {
			if c.VoiceID != "" {
				voices = append(voices, c.VoiceID)
			} else {
				writers = append(writers, c.ActorID)
			}
		}
	}
	found.people, err = h.readPeople(ctx, writers, voices)
	return found, err
}

// people are those who wrote what a list shows: actors elsewhere and voices of ours.
type people struct {
	actors map[string]blog.Actor
	ties   map[string]blog.Relation // by the actor's address
	voices map[blog.ID]blog.Voice
	host   string // of our handles
}

func (h *Handler) readPeople(ctx context.Context, actors []string, voices []blog.ID) (people, error) {
	found := people{host: h.address.HandleDomain}
	var err error
	if found.actors, err = h.store.Actors(ctx, actors); err != nil {
		return found, err
	}
	if found.ties, err = h.store.Relations(ctx, actors); err != nil {
		return found, err
	}
	found.voices, err = h.store.Voices(ctx, voices)
	return found, err
}

// commentRows makes comments ready to be shown, with their writers, articles and what they answer.
func (h *Handler) commentRows(req *request, comments []blog.Comment) ([]commentRow, error) {
	found, err := h.readContext(req.ctx(), comments)
	if err != nil {
		return nil, err
	}
	rows := make([]commentRow, len(comments))
	for i, c := range comments {
		rows[i] = req.commentRow(c, found)
	}
	return rows, nil
}

func (req *request) commentRow(c blog.Comment, found commentContext) commentRow {
	a := found.articles[c.ArticleID]
	row := commentRow{ID: c.ID, Article: a.Title, Own: c.VoiceID != "", Private: c.Visibility == blog.RestrictedComment,
		State: c.State,
		When:  when(c.ArrivedAt, req.now, req.zone), Home: c.URL, Language: c.Language, Warning: c.Warning,
		Markdown: c.Markdown,
		Words:    bodyHTML(c.HTML, c.Plain), Begins: text.Excerpt(c.Plain, 160), May: req.mayModerate(c, a),
		Is:     posts[c.Kind],
		Quoter: c.Kind == blog.Quoting && found.quotes[c.Address].State == blog.StampGiven, Answers: found.answered(c)}
	if a.OnTheWeb() {
		row.URL = req.site.ArticlePath(a)
	}
	if (frame{Author: req.author}).IsModerator() {
		row.Block = blockPath(c.ActorID)
	}
	row.Why, row.Class = stateText(c, a)
	row.Who, row.Facts = found.writer(c.ActorID, c.VoiceID)
	return row
}

// bodyHTML are the words of somebody, or the word that there are none that could be shown.
func bodyHTML(html, plain string) template.HTML {
	if strings.TrimSpace(plain) == "" {
		return `<p class="soft">(no text)</p>`
	}
	return markup.Trusted(html).HTML()
}

// posts are the words for what posts elsewhere do that are no answers.
var posts = map[blog.CommentKind]string{blog.Quoting: "quotes this article", blog.Mentioning: "mentions this article",
	blog.Linking: "mentions this article"}

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

// writer is who wrote something, an actor or a voice of ours, and what ties an actor to this blog.
func (p people) writer(actor string, voice blog.ID) (who person, facts string) {
	if voice != "" {
		v := p.voices[voice]
		return person{Name: v.Name, User: v.Handle, Host: p.host, URL: "/@" + v.Handle, Picture: mediaPath(v.Picture)}, ""
	}
	ties := p.ties[actor]
	var list []string
	if !ties.ApprovedBefore {
		list = append(list, "new here")
	}
	if ties.Follows {
		list = append(list, "follows you")
	}
	if ties.Followed {
		list = append(list, "you follow them")
	}
	return someone(p.actors[actor]), strings.Join(list, ", ")
}

func someone(a blog.Actor) person {
	user, host, _ := strings.Cut(a.Handle, "@")
	return person{Name: a.DisplayName(), User: user, Host: host, URL: a.URL}
}

// answered says whose words a comment answers; "" when it answers the article, or what is not here any more.
func (k commentContext) answered(c blog.Comment) string {
	parent, ok := k.parents[c.ParentID]
	if !ok {
		return ""
	}
	who, _ := k.writer(parent.ActorID, parent.VoiceID)
	if parent.State == blog.CommentRemoved {
		return who.Name
	}
	return who.Name + ": “" + text.Excerpt(parent.Plain, 90) + "”"
}

// mayModerate reports whether the author may act on a comment; on what was written to one author alone, nobody else
// may.
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
var movable = map[blog.CommentState]bool{blog.CommentWaiting: true, blog.CommentShown: true, blog.CommentHidden: true,
	blog.CommentSpam: true}

// acts are the words for what a state makes of a comment.
var acts = map[blog.CommentState]string{blog.CommentWaiting: "waiting", blog.CommentShown: "approved",
	blog.CommentHidden: "hidden", blog.CommentSpam: "spam"}

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
	query := url.Values{"tab": {tabName(form.Get("tab"))}, "done": {acts[state]}, "comment": {string(c.ID)},
		"was": {string(c.State)}}
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
	Errors   fieldErrors
}

func (h *Handler) showComment(req *request) error {
	c, a, err := h.moderated(req)
	if err != nil {
		return err
	}
	return h.comment(req, http.StatusOK, c, a, commentPage{Text: c.Markdown, Errors: fieldErrors{}})
}

func (h *Handler) comment(req *request, status int, c blog.Comment, a blog.Article, p commentPage) error {
	f, err := h.frame(req, "comments", "A comment on "+a.Title)
	if err != nil {
		return err
	}
	p.frame, p.Edit = f, c.VoiceID != ""
	rows, err := h.commentRows(req, []blog.Comment{c})
	if err != nil {
		return err
	}
	p.Held = rows[0]
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
	rows, err := h.reportRows(req, []blog.Report{sent})
	if err != nil {
		return "", err
	}
	return "Reported to " + rows[0].Host + " " + rows[0].When + " by " + rows[0].By + ": " + rows[0].Status + ".", nil
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
	p := commentPage{Text: form.Get("text"), Errors: fieldErrors{}}
	if err := p.Errors.add(say(c, p.Text)); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.comment(req, http.StatusUnprocessableEntity, c, a, p)
	}
	return req.redirect("/admin/comments?" + url.Values{"tab": {tabName(form.Get("tab"))}, "done": {"replied"}}.Encode())
}
