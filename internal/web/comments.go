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
	levels         = 4   // how deep answers are set in; deeper ones say whom they answer
	repliesPerPage = 200 // a longer conversation goes on at /replies/2
)

// conversation is the conversation under an article, or one page of a long one.
type conversation struct {
	TalkTitle   string
	Threads     []*comment
	Orders      []order
	Talk        *talkPager
	FirstVoices []*comment // two short answers, for the margin
	Answered    int        // how many people answered, the authors not counted
	Invitation  string     // the word that says how one takes part
}

type order struct {
	Word, URL string
	Here      bool
}

type talkPager struct{ Before, After string }

// comment is a comment as a reader sees it.
type comment struct {
	Anchor   string
	Who      person
	Own      bool   // by an author of this blog
	Is       string // the word for what it is, where it is no plain answer
	Gone     bool   // removed; stands here because of its answers
	URL      string
	At       time.Time
	WithYear bool
	Words    template.HTML
	Plain    string
	Wordless bool // nothing of it could be shown
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

// talk reads the conversation; which is the last part of its address: "" for the first page, "2", "newest" or
// "newest-2".
func (w *Web) talk(ctx context.Context, f *frame, p *articlePage, which string) (conversation, error) {
	chosen, number, err := talkPath(which)
	if err != nil {
		return conversation{}, err
	}
	comments, err := w.store.PublicComments(ctx, p.ID)
	if err != nil {
		return conversation{}, err
	}
	threads := blog.Threads(comments)
	arrange(threads, chosen)
	said := flatten(threads)
	pages := max(1, (len(said)+repliesPerPage-1)/repliesPerPage)
	if number > pages {
		return conversation{}, blog.ErrNotFound
	}
	said = said[(number-1)*repliesPerPage : min(len(said), number*repliesPerPage)]
	voices, err := w.voices(ctx, f, p, said)
	if err != nil {
		return conversation{}, err
	}
	t := conversation{Threads: grow(voices), TalkTitle: w.talkTitle(f, p.Counts), Invitation: invitation(p.Article)}
	t.FirstVoices, t.Answered = first(t.Threads), answerers(comments)
	if len(threads) > 1 {
		t.Orders = orders(p.Path, chosen)
	}
	if pages > 1 {
		t.Talk = &talkPager{}
		if number > 1 {
			t.Talk.Before = talkAddress(p.Path, chosen, number-1)
		}
		if number < pages {
			t.Talk.After = talkAddress(p.Path, chosen, number+1)
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

// talkPath reads the order and page of a conversation. Each has one address only; others are blog.ErrNotFound.
func talkPath(which string) (order string, number int, err error) {
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
			if err != nil || n < 2 || talkAddress("", order, n) != "/replies/"+which+"#talk" {
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

func talkAddress(article, order string, number int) string {
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
		list = append(list, order{Word: word, URL: talkAddress(article, word, 1), Here: word == chosen})
	}
	return list
}

// arrange sorts whole threads; inside a thread the oldest answer always comes first.
func arrange(threads []blog.Thread, order string) {
	switch order {
	case newest:
		slices.Reverse(threads)
	case authorFirst:
		slices.SortStableFunc(threads, func(a, b blog.Thread) int { return rank(a) - rank(b) })
	}
}

// rank puts threads in which an author of ours speaks before the others.
func rank(thread blog.Thread) int {
	for _, c := range flatten([]blog.Thread{thread}) {
		if c.VoiceID != "" {
			return 0
		}
	}
	return 1
}

// flatten lists threads as they are read from top to bottom.
func flatten(threads []blog.Thread) []blog.Comment {
	var list []blog.Comment
	for _, thread := range threads {
		list = append(list, thread.Comment)
		list = append(list, flatten(thread.Answers)...)
	}
	return list
}

// voices shows comments, in the order given, not yet in threads.
func (w *Web) voices(ctx context.Context, f *frame, p *articlePage, said []blog.Comment) ([]*comment, error) {
	var strangers []string
	var ours []blog.ID
	for _, c := range said {
		if c.VoiceID != "" {
			ours = append(ours, c.VoiceID)
		} else {
			strangers = append(strangers, c.ActorID)
		}
	}
	actors, err := w.store.Actors(ctx, unique(strangers))
	if err != nil {
		return nil, err
	}
	authors, err := w.store.Voices(ctx, unique(ours))
	if err != nil {
		return nil, err
	}
	counts, err := w.store.CommentCounts(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	list := make([]*comment, len(said))
	for i, c := range said {
		v := &comment{id: c.ID, parent: c.ParentID, Anchor: "comment-" + string(c.ID), Gone: !c.Public()}
		list[i] = v
		if v.Gone {
			continue
		}
		v.say(f, p, c, counts[c.ID])
		if v.Own {
			v.Is = "author"
			v.Who, v.URL = f.voice(authors[c.VoiceID]), "#"+v.Anchor
		} else {
			v.Who = stranger(actors[c.ActorID])
		}
	}
	return list, nil
}

func unique[T ~string](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// say fills in what somebody said.
func (v *comment) say(f *frame, p *articlePage, c blog.Comment, counts blog.Counts) {
	v.Is = labels[c.Kind]
	v.Own, v.URL, v.At = c.VoiceID != "", c.URL, c.PublishedAt.In(f.zone)
	if v.URL == "" {
		v.URL = c.Address
	}
	v.WithYear = v.At.Year() != p.PublishedAt.Year()
	v.Words, v.Plain = markup.Trusted(c.HTML).HTML(), c.Plain
	v.Language, v.Warning, v.Changed = c.Language, c.Warning, c.UpdatedAt != nil
	if v.Wordless = strings.TrimSpace(v.Plain) == ""; v.Wordless {
		v.Language = "" // the words that say so are the page's
	}
	v.Likes, v.Boosts = counts.Likes, counts.Boosts
	if p.Reply != "" && c.Address != "" {
		v.Reply = interact("reply", c.Address)
	}
}

// labels are the words for posts elsewhere that stand among the answers.
var labels = map[blog.CommentKind]string{blog.Quoting: "quotes-this", blog.Mentioning: "mentions-this",
	blog.Linking: "mentions-this"}

// grow sets answers under what they answer, to a depth that can still be read. An answer that would stand deeper, or
// whose elder is on another page, says whom it answers.
func grow(list []*comment) []*comment {
	var top []*comment
	known := map[blog.ID]*comment{}
	for _, v := range list {
		known[v.id] = v
		elder := known[v.parent]
		if elder == v || v.parent == "" {
			elder = nil
		}
		switch {
		case elder == nil:
			top = append(top, v)
		case elder.level+1 < levels:
			v.level, v.holder = elder.level+1, elder
			elder.Answers = append(elder.Answers, v)
		default:
			v.level, v.holder, v.To = elder.level, elder.holder, elder
			elder.holder.Answers = append(elder.holder.Answers, v)
		}
	}
	return top
}

// first picks two short answers by others for the margin.
func first(threads []*comment) []*comment {
	var list []*comment
	for _, v := range threads {
		short := utf8.RuneCountInString(v.Plain) <= 160 && strings.TrimSpace(v.Plain) != ""
		if !v.Gone && v.Is == "" && v.Warning == "" && short && len(list) < 2 {
			list = append(list, v)
		}
	}
	return list
}

// answerers counts those whose answers stand here, each once.
func answerers(comments []blog.Comment) int {
	who := map[string]bool{}
	for _, c := range comments {
		if c.Public() && c.ActorID != "" && c.Kind == blog.Answering {
			who[c.ActorID] = true
		}
	}
	return len(who)
}

func (w *Web) talkTitle(f *frame, counts blog.Counts) string {
	switch {
	case counts.Replies == 0:
		return w.say(f, "talk")
	case counts.Servers == 0:
		return w.say(f, "replies", "N", counts.Replies)
	}
	return w.say(f, "talk-from", "N", counts.Replies, "From", w.say(f, "servers", "N", counts.Servers))
}

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
