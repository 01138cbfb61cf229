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

// commentsPage lists comments by state.
type commentsPage struct {
	frame
	Heading string
	Tabs    []tab
	Tab     string
	Rows    []commentRow
	Pager   pager
}

// commentRow is a comment as a moderator sees it.
type commentRow struct {
	ID       blog.ID
	Why      string // why readers do not see it; "" if they do
	Class    string // the CSS class of Why
	Article  string
	URL      string // of the article's page; "" if it has none
	Answers  string // the parent's writer and beginning
	Person   person
	Facts    string // the writer's relation to this blog
	When     string
	Home     string // its address on its own server
	Language string
	Warning  string
	Words    template.HTML
	Markdown string // of own replies
	Begins   string // plain text, for lists
	Own      bool
	Is       string // "quotes this article" and the like, for a post that is no reply
	Quoter   bool   // it quotes with a permission that can be revoked
	Private  bool
	State    blog.CommentState
	May      bool   // the author may moderate it
	Block    string // the form to block its writer, for moderators
	Tab      string // the tab to return to
}

// person is a person on another server, or an author of this blog.
type person struct {
	Name, User, Host string
	URL              string
	Picture          string
}

// commentTabs are the tabs of the comments page.
var commentTabs = []listTab[store.CommentFilter]{
	{name: "waiting", word: "Waiting", filter: store.CommentFilter{States: []blog.CommentState{blog.CommentWaiting}}},
	{name: "published", word: "Shown", heading: "Shown comments",
		filter: store.CommentFilter{States: []blog.CommentState{blog.CommentShown}}},
	{name: "hidden", word: "Hidden", heading: "Hidden comments",
		filter: store.CommentFilter{States: []blog.CommentState{blog.CommentHidden}}},
	{name: "spam", word: "Spam", heading: "Spam",
		filter: store.CommentFilter{States: []blog.CommentState{blog.CommentSpam}}},
	{name: "private", word: "Private", heading: "Private comments",
		filter: store.CommentFilter{Private: true, States: []blog.CommentState{blog.CommentShown, blog.CommentWaiting}}},
}

const commentsPerPage = 30

func (h *Handler) comments(req *request) error {
	f, err := h.frame(req, "comments", "Comments")
	if err != nil {
		return err
	}
	p := commentsPage{frame: f, Tab: cmp.Or(req.r.URL.Query().Get("tab"), "waiting")}
	tabs, open, err := readTabs("/admin/comments", p.Tab, commentTabs, func(t listTab[store.CommentFilter]) (int, error) {
		return h.store.CountComments(req.ctx(), req.commentList(t))
	})
	if err != nil {
		return err
	}
	p.Tabs = tabs
	p.Heading = cmp.Or(open.heading, upper(text.PluralInWords(rowsOf(tabs), "comment waits", "comments wait")))
	list := req.commentList(open)
	list.Limit = commentsPerPage + 1
	// The list begins behind a comment. An offset would make the database read all rows before it.
	if before := req.r.URL.Query().Get("before"); blog.ValidID(before) {
		list.Before = blog.ID(before)
		p.Pager.Newest = "/admin/comments?tab=" + p.Tab
	}
	comments, err := h.store.Comments(req.ctx(), list)
	if err != nil {
		return err
	}
	if len(comments) > commentsPerPage {
		comments = comments[:commentsPerPage]
		p.Pager.Older = "/admin/comments?tab=" + p.Tab + "&before=" + string(comments[commentsPerPage-1].ID)
	}
	if p.Rows, err = h.commentRows(req, comments); err != nil {
		return err
	}
	for i := range p.Rows {
		p.Rows[i].Tab = p.Tab
	}
	p.Title = p.Heading
	p.Toast = req.commentToast(p.Toast)
	return h.pages.Render(req.w, http.StatusOK, "admin/comments", p)
}

// commentList selects the comments of a tab that the author may see.
func (req *request) commentList(t listTab[store.CommentFilter]) store.CommentFilter {
	list := t.filter
	list.Voice = req.scope()
	if list.Private {
		list.Voice = req.author.ID // no role opens what was written to another author alone
	}
	return list
}

// commentToast adds an undo button to the flash message. It sets the comment back to the state that it had before.
func (req *request) commentToast(t *toast) *toast {
	q := req.r.URL.Query()
	id, was := q.Get("comment"), blog.CommentState(q.Get("was"))
	// The values come from the address, which anybody can make up: the button offers only what its form accepts.
	if t != nil && blog.ValidID(id) && settableStates[was] {
		t.Undo = &undo{Action: "/admin/comments/" + id + "/state", Name: "state", Value: string(was)}
	}
	return t
}

// commentContext is what rows show beside the comments themselves. It is read for all rows at once, so the number of
// queries does not grow with the rows.
type commentContext struct {
	people
	articles map[blog.ID]blog.Article
	parents  map[blog.ID]blog.Comment
	quotes   map[string]blog.Authorization // by the address of the quoting post
}

// readContext reads the context of comments.
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
	if found.quotes, err = h.store.AuthorizationsFor(ctx, blog.QuoteAuthorization, quotes); err != nil {
		return found, err
	}
	if found.parents, err = h.store.CommentsByID(ctx, parents); err != nil {
		return found, err
	}
	var writers []string
	var voices []blog.ID
	// The writers of the parents too: a row says whom its comment answers.
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

// people are the writers of what a list shows: actors elsewhere and voices of this blog.
type people struct {
	actors map[string]blog.Actor
	ties   map[string]blog.Relation // by the actor's address
	voices map[blog.ID]blog.Voice
	host   string // of the handles of this blog
}

// readPeople reads actors, their relations to this blog, and voices.
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

// commentRows makes rows of comments.
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
		Is:      postVerbs[c.Kind],
		Quoter:  c.Kind == blog.Quoting && found.quotes[c.Address].State == blog.AuthorizationGiven,
		Answers: found.answerText(c)}
	if a.OnTheWeb() {
		row.URL = req.site.ArticlePath(a)
	}
	if (frame{Author: req.author}).IsModerator() {
		row.Block = blockPath(c.ActorID)
	}
	row.Why, row.Class = stateText(c, a)
	row.Person, row.Facts = found.writer(c.ActorID, c.VoiceID)
	return row
}

// bodyHTML is the text of a post, or a note if the text is empty.
func bodyHTML(html, plain string) template.HTML {
	if strings.TrimSpace(plain) == "" {
		return `<p class="soft">(no text)</p>`
	}
	// The HTML was sanitised when the post arrived.
	return markup.Trusted(html).HTML()
}

// postVerbs say what a post that is no reply does with the article.
var postVerbs = map[blog.CommentKind]string{blog.Quoting: "quotes this article",
	blog.Mentioning: "mentions this article", blog.Linking: "mentions this article"}

// stateText says why readers do not see a comment, with the CSS class of its mark; "" if they see it.
func stateText(c blog.Comment, a blog.Article) (words, class string) {
	switch {
	// The order matters: a comment can be private, blocked and waiting at once. The strongest reason comes first.
	case c.Visibility == blog.RestrictedComment:
		return "Private: only you see it", "wait"
	case c.Refused:
		return "Blocked: readers do not see it", "no"
	case c.State == blog.CommentHidden:
		return "Hidden", "gone"
	case c.State == blog.CommentSpam:
		return "Spam", "no"
	case c.State != blog.CommentWaiting:
		return "", ""
	case c.Held:
		return "Waiting: its writer is limited", "wait"
	// The reasons below repeat the rules by which the inbox holds a comment, strictest first.
	case c.Kind != blog.Answering && a.Comments == blog.Closed:
		return "Waiting: this article takes no more replies, and this post mentions it", "wait"
	case c.Kind == blog.Quoting && a.Quotes != "everyone":
		return "Waiting: it quotes the article without permission", "wait"
	case a.Comments == blog.Known:
		return "Waiting: it is the first comment of this person", "wait"
	case a.Comments == blog.Approve:
		return "Waiting: you approve every comment on this article", "wait"
	}
	return "Waiting", "wait"
}

// writer is the actor or the voice that wrote something, and the actor's relation to this blog in words.
func (p people) writer(actor string, voice blog.ID) (who person, facts string) {
	if voice != "" {
		v := p.voices[voice]
		return person{Name: v.Name, User: v.Handle, Host: p.host, URL: "/@" + v.Handle, Picture: mediaPath(v.Picture)}, ""
	}
	ties := p.ties[actor]
	var list []string
	if !ties.ShownBefore {
		list = append(list, "new here")
	}
	if ties.Follows {
		list = append(list, "follows you")
	}
	if ties.Followed {
		list = append(list, "you follow them")
	}
	return personOf(p.actors[actor]), strings.Join(list, ", ")
}

// personOf shows an actor elsewhere.
func personOf(a blog.Actor) person {
	user, host, _ := strings.Cut(a.Handle, "@")
	return person{Name: a.DisplayName(), User: user, Host: host, URL: a.URL}
}

// answerText names the writer of the parent and quotes its beginning; "" for a reply to the article, or to a comment
// that is not stored.
func (k commentContext) answerText(c blog.Comment) string {
	parent, ok := k.parents[c.ParentID]
	if !ok {
		return ""
	}
	who, _ := k.writer(parent.ActorID, parent.VoiceID)
	// A removed comment is kept without its text, so its replies keep their place.
	if parent.State == blog.CommentRemoved {
		return who.Name
	}
	return who.Name + ": “" + text.Excerpt(parent.Plain, 90) + "”"
}

// mayModerate reports whether the author may act on a comment. A private comment belongs to the owner of the article
// alone, whatever the role of others.
func (req *request) mayModerate(c blog.Comment, a blog.Article) bool {
	if c.Visibility == blog.RestrictedComment {
		return a.VoiceID == req.author.ID
	}
	return req.author.May(a.VoiceID)
}

// moderated finds the comment of the path and its article, if the author may act on the comment.
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
		err = errNotOwner
	}
	return c, a, err
}

// settableStates are the states that a form may set. Removed is not among them: a removal cannot be undone.
var settableStates = map[blog.CommentState]bool{blog.CommentWaiting: true, blog.CommentShown: true,
	blog.CommentHidden: true, blog.CommentSpam: true}

// stateFlashes name the flash message of each state.
var stateFlashes = map[blog.CommentState]string{blog.CommentWaiting: "waiting", blog.CommentShown: "approved",
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
	if !settableStates[state] {
		return blog.Invalid{Field: "state", Problem: "is not a state of a comment"}
	}
	// Its text is gone: no other state could show anything.
	if c.State == blog.CommentRemoved {
		return blog.ErrGone
	}
	if err := h.outbox.Moderate(req.ctx(), c.ID, state); err != nil {
		return err
	}
	query := url.Values{"tab": {tabName(form.Get("tab"))}, "done": {stateFlashes[state]}, "comment": {string(c.ID)},
		"was": {string(c.State)}}
	return req.redirect("/admin/comments?" + query.Encode())
}

// tabName is the tab to return to. An unknown name is replaced, because it becomes part of an address.
func tabName(name string) string {
	for _, pile := range commentTabs {
		if pile.name == name {
			return name
		}
	}
	return "waiting"
}

// revokeQuote revokes the permission to quote an article.
func (h *Handler) revokeQuote(req *request) error {
	return h.endComment(req, h.outbox.RevokeQuote, "revoked")
}

func (h *Handler) deleteComment(req *request) error {
	return h.endComment(req, h.outbox.DeleteReply, "removed")
}

// endComment calls end, which cannot be undone, with the comment of the path, and returns to the list.
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

// commentPage shows one comment, with forms to reply to it, report it or delete it.
type commentPage struct {
	frame
	Comment  commentRow
	Text     string // the reply, as typed
	Report   string // the text of a report, as typed
	Reported string // what became of a report; "" if there is none
	Edit     bool   // it is an own reply, which can be edited
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
	p.Comment = rows[0]
	p.Comment.Tab = tabName(req.r.URL.Query().Get("tab"))
	if p.Reported, err = h.reported(req, c); err != nil {
		return err
	}
	return h.pages.Render(req.w, status, "admin/comment", p)
}

// reported says in one sentence what became of our report of a comment; "" if there is none.
func (h *Handler) reported(req *request, c blog.Comment) (string, error) {
	sent, err := h.store.ReportAbout(req.ctx(), c.ID)
	if err != nil {
		return "", ignoreNotFound(err)
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
	// A moderator may edit other people's articles, but not their replies.
	return h.answer(req, func(c blog.Comment, text string) error {
		if c.VoiceID != req.author.ID {
			return blog.ErrForbidden
		}
		return h.outbox.EditReply(req.ctx(), c.ID, text)
	})
}

// answer takes the form below a comment. If the text has an error, the form comes back with it.
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
