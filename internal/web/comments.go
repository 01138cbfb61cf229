package web

import (
	"context"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
)

const (
	maxDepth       = 4   // how deep answers are set in; deeper ones say whom they answer
	repliesPerPage = 200 // a longer conversation goes on at /replies/2
)

// conversation is the comments under an article, or one page of many.
type conversation struct {
	CommentsTitle string
	Threads       []*comment
	Orders        []order
	CommentsPager *commentsPager
	FirstVoices   []*comment // two short answers, for the margin
	Answered      int        // how many people answered, the authors not counted
	Invitation    string     // the word that says how one takes part
}

type order struct {
	Word, URL string
	Here      bool
}

type commentsPager struct{ Before, After string }

// comment is a comment as a reader sees it.
type comment struct {
	Anchor   string // "" on another page
	Person   person
	Own      bool   // by an author of this blog
	Is       string // the word for what it is, where it is no plain answer
	Gone     bool   // removed; stands here because of its answers
	URL      string // of the original
	Origin   string // the server with the original, "" for a comment of ours
	At       time.Time
	WithYear bool
	HTML     template.HTML
	Plain    string
	NoText   bool // nothing of it could be shown
	Language string
	Warning  string
	Changed  bool
	Likes    int
	Boosts   int
	Reply    string
	To       *comment // whom it answers, where that is not to be seen from its place
	Answers  []*comment

	id, parent blog.ID
	level      int
	holder     *comment
}

// readConversation reads one page of the comments. which is the last part of its address: "" for the first page, "2",
// "newest" or "newest-2".
func (w *Web) readConversation(ctx context.Context, f *frame, p *articlePage, which string) (conversation, error) {
	chosen, number, err := parseRepliesPath(which)
	if err != nil {
		return conversation{}, err
	}
	all := p.Counts.Replies + p.Counts.Mentions
	pages := max(1, (all+repliesPerPage-1)/repliesPerPage)
	if number > pages {
		return conversation{}, blog.ErrNotFound
	}
	span := store.Span{From: (number - 1) * repliesPerPage, To: min(number*repliesPerPage, all), All: all}
	threads, err := w.store.Threads(ctx, p.ID, threadOrders[chosen], span)
	if err != nil {
		return conversation{}, err
	}
	comments, err := w.commentsOf(ctx, threads, span)
	if err != nil {
		return conversation{}, err
	}
	t := conversation{CommentsTitle: w.conversationTitle(f, p.Counts), Invitation: invitation(p.Article)}
	if t.Threads, err = w.commentTrees(ctx, f, p, comments); err != nil {
		return conversation{}, err
	}
	t.FirstVoices = marginComments(t.Threads)
	if t.Answered, err = w.store.CountRepliers(ctx, p.ID); err != nil {
		return conversation{}, err
	}
	// A single thread looks the same in every order.
	if len(threads) > 1 || len(threads) == 1 && threads[0].N < all {
		t.Orders = orders(p.Path, chosen)
	}
	if pages > 1 {
		t.CommentsPager = &commentsPager{}
		if number > 1 {
			t.CommentsPager.Before = repliesPath(p.Path, chosen, number-1)
		}
		if number < pages {
			t.CommentsPager.After = repliesPath(p.Path, chosen, number+1)
		}
	}
	return t, nil
}

// longThread is the size from which a thread is shown in order of time and not as a tree. To find the place of a
// comment in a tree, all of the thread must be read. And in a tree of thousands, two replies that follow each other on
// a page have seldom to do with each other.
const longThread = 1000

// commentsOf reads the comments of a page in the order in which it shows them: the part of the threads inside the span.
func (w *Web) commentsOf(ctx context.Context, threads []store.Thread, span store.Span) ([]blog.Comment, error) {
	var roots []blog.ID
	for _, t := range threads {
		if t.Size() <= longThread {
			roots = append(roots, t.RootID)
		}
	}
	places, err := w.store.Places(ctx, roots)
	if err != nil {
		return nil, err
	}
	trees := map[blog.ID][]blog.Comment{}
	for _, p := range places {
		trees[p.RootID] = append(trees[p.RootID], p.Comment)
	}
	var shown []blog.ID
	for _, t := range threads {
		first := t.Behind - t.N
		from, to := max(0, span.From-first), span.To-first
		if t.Size() <= longThread {
			shown = append(shown, cut(flatten(blog.Threads(trees[t.RootID])), from, to)...)
			continue
		}
		ids, err := w.store.LongThread(ctx, t.RootID, from, min(to, t.N))
		if err != nil {
			return nil, err
		}
		shown = append(shown, ids...)
	}
	return w.commentsByID(ctx, shown)
}

// cut returns the ids of the comments from number from up to number to. Only those that have not been removed are
// numbered: a removed one belongs to the reply that follows it.
func cut(comments []blog.Comment, from, to int) []blog.ID {
	var ids []blog.ID
	n := 0
	for _, c := range comments {
		if n >= from && n < to {
			ids = append(ids, c.ID)
		}
		if c.State != blog.CommentRemoved {
			n++
		}
	}
	return ids
}

// commentsByID reads comments in the order of their ids. Those that a moderator has hidden meanwhile are left out.
func (w *Web) commentsByID(ctx context.Context, ids []blog.ID) ([]blog.Comment, error) {
	found, err := w.store.CommentsByID(ctx, ids)
	var list []blog.Comment
	for _, id := range ids {
		c, ok := found[id]
		if ok && (c.Public() || c.State == blog.CommentRemoved && c.Visibility != blog.RestrictedComment && !c.Refused) {
			list = append(list, c)
		}
	}
	return list, err
}

// commentTrees returns the comments of a page as readers see them, replies under their parents. A reply whose parent
// stands on another page names it.
func (w *Web) commentTrees(ctx context.Context, f *frame, p *articlePage, list []blog.Comment) ([]*comment, error) {
	here := map[blog.ID]bool{}
	for _, c := range list {
		here[c.ID] = true
	}
	var missing []blog.ID
	for _, c := range list {
		if c.ParentID != "" && !here[c.ParentID] {
			missing = append(missing, c.ParentID)
		}
	}
	elsewhere, err := w.commentsByID(ctx, unique(missing))
	if err != nil {
		return nil, err
	}
	read, err := w.readWriters(ctx, slices.Concat(list, elsewhere))
	if err != nil {
		return nil, err
	}
	read.codeLabel = w.translate(f, "code")
	parents := map[blog.ID]*comment{}
	for _, c := range elsewhere {
		if c.Public() {
			parents[c.ID] = read.view(f, p, c)
			parents[c.ID].Anchor = ""
		}
	}
	views := make([]*comment, len(list))
	for i, c := range list {
		views[i] = read.view(f, p, c)
	}
	return nest(views, parents), nil
}

// The orders in which a conversation can be read.
const (
	oldest      = "oldest"
	newest      = "newest"
	authorFirst = "author-first"
)

var threadOrders = map[string]store.ThreadOrder{oldest: store.OldestThreads, newest: store.NewestThreads,
	authorFirst: store.AnsweredThreads}

// parseRepliesPath returns the order and page of an address. Each page has one address; anything else is
// blog.ErrNotFound.
func parseRepliesPath(which string) (order string, number int, err error) {
	if which == "" {
		return oldest, 1, nil
	}
	for _, order := range []string{newest, authorFirst} {
		rest, found := strings.CutPrefix(which, order)
		if found && rest == "" {
			return order, 1, nil
		}
		if found && strings.HasPrefix(rest, "-") {
			n, err := strconv.Atoi(rest[1:])
			// Compare with the address that we would write: "newest-02" is a second one for the same page.
			if err != nil || n < 2 || repliesPath("", order, n) != "/replies/"+which+"#talk" {
				return "", 0, blog.ErrNotFound
			}
			return order, n, nil
		}
	}
	n, err := strconv.Atoi(which)
	if err != nil || n < 2 || strconv.Itoa(n) != which {
		return "", 0, blog.ErrNotFound
	}
	return oldest, n, nil
}

// repliesPath returns the address of a page of the comments.
func repliesPath(article, order string, number int) string {
	switch {
	case order == oldest && number == 1:
		return article + "#talk"
	case order == oldest:
		return article + "/replies/" + itoa(number) + "#talk"
	case number == 1:
		return article + "/replies/" + order + "#talk"
	}
	return article + "/replies/" + order + "-" + itoa(number) + "#talk"
}

func orders(article, chosen string) []order {
	var list []order
	for _, word := range []string{oldest, newest, authorFirst} {
		list = append(list, order{Word: word, URL: repliesPath(article, word, 1), Here: word == chosen})
	}
	return list
}

// flatten lists the comments of threads in the order in which a page shows them.
func flatten(threads []blog.Thread) []blog.Comment {
	var list []blog.Comment
	for _, thread := range threads {
		list = append(list, thread.Comment)
		list = append(list, flatten(thread.Answers)...)
	}
	return list
}

// writers are who wrote some comments, and how often these were liked and boosted.
type writers struct {
	actors map[string]blog.Actor
	voices map[blog.ID]blog.Voice
	counts map[blog.ID]blog.Counts // by comment

	codeLabel string // of code in the comments, for screen readers
}

func (w *Web) readWriters(ctx context.Context, comments []blog.Comment) (writers, error) {
	var read writers
	var ids, voiceIDs []blog.ID
	var actorIDs []string
	for _, c := range comments {
		ids = append(ids, c.ID)
		if c.VoiceID != "" {
			voiceIDs = append(voiceIDs, c.VoiceID)
		} else {
			actorIDs = append(actorIDs, c.ActorID)
		}
	}
	var err error
	if read.actors, err = w.store.Actors(ctx, unique(actorIDs)); err != nil {
		return read, err
	}
	if read.voices, err = w.store.Voices(ctx, unique(voiceIDs)); err != nil {
		return read, err
	}
	read.counts, err = w.store.ReactionCounts(ctx, ids)
	return read, err
}

// view returns a comment as readers see it, not yet nested.
func (r writers) view(f *frame, p *articlePage, c blog.Comment) *comment {
	v := &comment{id: c.ID, parent: c.ParentID, Anchor: "comment-" + string(c.ID), Gone: !c.Public()}
	// It only keeps the place of its replies. Nothing of its text or author may reach the page.
	if v.Gone {
		return v
	}
	v.fill(f, p, c, r.counts[c.ID], r.codeLabel)
	if v.Own {
		v.Is = "author"
		v.Person, v.URL = f.voice(r.voices[c.VoiceID]), "#"+v.Anchor
	} else {
		v.Person = personOf(r.actors[c.ActorID])
		v.Origin = hostOf(v.URL)
	}
	return v
}

// hostOf returns the server of an address, "" when it names none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func unique[T ~string](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// fill fills in the text, the dates and the counts.
func (v *comment) fill(f *frame, p *articlePage, c blog.Comment, counts blog.Counts, codeLabel string) {
	v.Is = labels[c.Kind]
	// The time that its server claims may be any.
	v.Own, v.URL, v.At = c.VoiceID != "", c.URL, c.SortedAt.In(f.zone)
	// Some servers give no page. Their id usually leads a browser to it.
	if v.URL == "" {
		v.URL = c.Address
	}
	v.WithYear = v.At.Year() != p.PublishedAt.Year()
	v.HTML, v.Plain = markup.Focusable(markup.Trusted(c.HTML), codeLabel).HTML(), c.Plain
	v.Language, v.Warning, v.Changed = c.Language, c.Warning, c.UpdatedAt != nil
	if v.NoText = strings.TrimSpace(v.Plain) == ""; v.NoText {
		v.Language = "" // the template shows "(no text)" in the page's language
	}
	v.Likes, v.Boosts = counts.Likes, counts.Boosts
	if p.Reply != "" && c.Address != "" {
		v.Reply = interactPath("reply", c.Address)
	}
}

// labels are the words for comments that are no direct replies.
var labels = map[blog.CommentKind]string{blog.Quoting: "quotes-this", blog.Mentioning: "mentions-this",
	blog.Linking: "mentions-this"}

// nest puts replies under their parents, at most maxDepth deep. A reply that would stand deeper, or whose parent is
// elsewhere, on another page, names its parent instead.
func nest(list []*comment, elsewhere map[blog.ID]*comment) []*comment {
	var top []*comment
	known := map[blog.ID]*comment{}
	for _, v := range list {
		known[v.id] = v
		elder := known[v.parent]
		// A comment that claims to answer itself would never be shown.
		if elder == v || v.parent == "" {
			elder = nil
		}
		switch {
		case elder == nil:
			v.To = elsewhere[v.parent]
			top = append(top, v)
		case elder.level+1 < maxDepth:
			v.level, v.holder = elder.level+1, elder
			elder.Answers = append(elder.Answers, v)
		// Too deep: it stands beside its parent, under the parent's parent.
		default:
			v.level, v.holder, v.To = elder.level, elder.holder, elder
			elder.holder.Answers = append(elder.holder.Answers, v)
		}
	}
	return top
}

// marginComments picks two short replies by readers for the margin of the article.
func marginComments(threads []*comment) []*comment {
	var list []*comment
	for _, v := range threads {
		short := utf8.RuneCountInString(v.Plain) <= 160 && strings.TrimSpace(v.Plain) != ""
		if !v.Gone && v.Is == "" && v.Warning == "" && short && len(list) < 2 {
			list = append(list, v)
		}
	}
	return list
}

// conversationTitle returns the heading, such as "64 replies from 12 servers".
func (w *Web) conversationTitle(f *frame, counts blog.Counts) string {
	switch {
	case counts.Replies == 0:
		return w.translate(f, "replies-title")
	case counts.Servers == 0:
		return w.translate(f, "replies", "N", counts.Replies)
	}
	return w.translate(f, "replies-from", "N", counts.Replies, "From", w.translate(f, "servers", "N", counts.Servers))
}

// invitation returns the id of the text about how to reply.
func invitation(a blog.Article) string {
	switch {
	case !a.Federates() || a.ObjectID == "":
		return "invite-local"
	case a.Comments == blog.Closed:
		return "invite-closed"
	case a.Comments == blog.Approve:
		return "invite-approve"
	case a.Comments == blog.Known:
		return "invite-known"
	}
	return "invite"
}
