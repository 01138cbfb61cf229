package web

import (
	"context"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"causerie/internal/blog"
	"causerie/internal/markup"
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
	Anchor   string
	Person   person
	Own      bool   // by an author of this blog
	Is       string // the word for what it is, where it is no plain answer
	Gone     bool   // removed; stands here because of its answers
	URL      string
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
	comments, err := w.store.PublicComments(ctx, p.ID)
	if err != nil {
		return conversation{}, err
	}
	threads := blog.Threads(comments)
	arrange(threads, chosen)
	shown := flatten(threads)
	pages := max(1, (len(shown)+repliesPerPage-1)/repliesPerPage)
	if number > pages {
		return conversation{}, blog.ErrNotFound
	}
	// All comments are read and then cut: the order of whole threads is not one that a database can page through.
	shown = shown[(number-1)*repliesPerPage : min(len(shown), number*repliesPerPage)]
	views, err := w.commentViews(ctx, f, p, shown)
	if err != nil {
		return conversation{}, err
	}
	t := conversation{Threads: nest(views), CommentsTitle: w.conversationTitle(f, p.Counts),
		Invitation: invitation(p.Article)}
	t.FirstVoices, t.Answered = marginComments(t.Threads), countAnswerers(comments)
	// A single thread looks the same in every order.
	if len(threads) > 1 {
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

// The orders in which a conversation can be read.
const (
	oldest      = "oldest"
	newest      = "newest"
	authorFirst = "author-first"
)

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

// arrange sorts whole threads. Inside a thread the oldest reply always comes first.
func arrange(threads []blog.Thread, order string) {
	switch order {
	case newest:
		slices.Reverse(threads)
	case authorFirst:
		slices.SortStableFunc(threads, func(a, b blog.Thread) int { return authorRank(a) - authorRank(b) })
	}
}

// authorRank is 0 for threads with a comment of one of our authors, and 1 for the others.
func authorRank(thread blog.Thread) int {
	for _, c := range flatten([]blog.Thread{thread}) {
		if c.VoiceID != "" {
			return 0
		}
	}
	return 1
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

// commentViews returns comments as readers see them, in the given order, not yet nested.
func (w *Web) commentViews(ctx context.Context, f *frame, p *articlePage, comments []blog.Comment) ([]*comment, error) {
	var actorIDs []string
	var voiceIDs []blog.ID
	for _, c := range comments {
		if c.VoiceID != "" {
			voiceIDs = append(voiceIDs, c.VoiceID)
		} else {
			actorIDs = append(actorIDs, c.ActorID)
		}
	}
	actors, err := w.store.Actors(ctx, unique(actorIDs))
	if err != nil {
		return nil, err
	}
	authors, err := w.store.Voices(ctx, unique(voiceIDs))
	if err != nil {
		return nil, err
	}
	counts, err := w.store.CommentCounts(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	list := make([]*comment, len(comments))
	for i, c := range comments {
		v := &comment{id: c.ID, parent: c.ParentID, Anchor: "comment-" + string(c.ID), Gone: !c.Public()}
		list[i] = v
		// It only keeps the place of its replies. Nothing of its text or author may reach the page.
		if v.Gone {
			continue
		}
		v.fill(f, p, c, counts[c.ID])
		if v.Own {
			v.Is = "author"
			v.Person, v.URL = f.voice(authors[c.VoiceID]), "#"+v.Anchor
		} else {
			v.Person = personOf(actors[c.ActorID])
		}
	}
	return list, nil
}

func unique[T ~string](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// fill fills in the text, the dates and the counts.
func (v *comment) fill(f *frame, p *articlePage, c blog.Comment, counts blog.Counts) {
	v.Is = labels[c.Kind]
	v.Own, v.URL, v.At = c.VoiceID != "", c.URL, c.PublishedAt.In(f.zone)
	// Some servers give no page. Their id usually leads a browser to it.
	if v.URL == "" {
		v.URL = c.Address
	}
	v.WithYear = v.At.Year() != p.PublishedAt.Year()
	v.HTML, v.Plain = markup.Trusted(c.HTML).HTML(), c.Plain
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
// on another page, names its parent instead.
func nest(list []*comment) []*comment {
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

// countAnswerers counts the people elsewhere who replied, each once.
func countAnswerers(comments []blog.Comment) int {
	who := map[string]bool{}
	for _, c := range comments {
		if c.Public() && c.ActorID != "" && c.Kind == blog.Answering {
			who[c.ActorID] = true
		}
	}
	return len(who)
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
