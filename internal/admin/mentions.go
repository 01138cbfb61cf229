package admin

import (
	"net/http"
	"net/url"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// mentionsPage lists posts elsewhere that mention the author but no article.
type mentionsPage struct {
	frame
	Heading string
	Tabs    []tab
	Hidden  bool // the tab of hidden mentions is open
	Rows    []mention
	Pager   pager
}

// mention is a post as the mentioned author sees it.
type mention struct {
	commentRow
	Names    string // the mentioned voice, if that is not the author
	Answered string // the address of the post that it replies to
	Answer   string // the form for an article in reply; "" for a private post
	Limited  bool   // its writer is limited
}

const mentionsPerPage = 30

// ownMentions selects the mentions that the author may read: their own, and for an administrator those of the blog
// and its series.
func (req *request) ownMentions(hidden bool) store.MentionList {
	return store.MentionList{Author: req.author.ID, Blog: req.author.Role == blog.Admin, Hidden: hidden}
}

func (h *Handler) mentions(req *request) error {
	f, err := h.frame(req, "mentions", "Mentions")
	if err != nil {
		return err
	}
	p := mentionsPage{frame: f, Hidden: req.r.URL.Query().Get("tab") == "hidden"}
	for _, of := range []struct {
		word, url string
		hidden    bool
	}{{"Mentions", "/admin/mentions", false}, {"Hidden", "/admin/mentions?tab=hidden", true}} {
		n, err := h.store.CountMentions(req.ctx(), req.ownMentions(of.hidden))
		if err != nil {
			return err
		}
		p.Tabs = append(p.Tabs, tab{Word: of.word, URL: of.url, Count: n, Here: of.hidden == p.Hidden})
		if of.hidden == p.Hidden {
			p.Heading = upper(text.PluralInWords(n, "post elsewhere mentions you", "posts elsewhere mention you"))
		}
	}
	if p.Hidden {
		p.Heading = "Hidden mentions"
	}
	if err := h.readMentions(req, &p); err != nil {
		return err
	}
	return h.pages.Render(req.w, http.StatusOK, "admin/mentions", p)
}

func (h *Handler) readMentions(req *request, p *mentionsPage) error {
	list := req.ownMentions(p.Hidden)
	list.Limit, list.Offset = mentionsPerPage+1, offset(req.r)
	mentions, err := h.store.Mentions(req.ctx(), list)
	if err != nil {
		return err
	}
	var writers []string
	var named []blog.ID
	for _, m := range mentions {
		writers, named = append(writers, m.ActorID), append(named, m.VoiceID)
	}
	found, err := h.readPeople(req.ctx(), writers, named)
	if err != nil {
		return err
	}
	for _, m := range mentions {
		p.Rows = append(p.Rows, req.mention(m, found))
	}
	p.Pager, p.Rows = paginate(req.r, p.Rows, mentionsPerPage)
	return nil
}

// mention makes a row of a mention.
func (req *request) mention(m blog.Mention, found people) mention {
	row := mention{commentRow: commentRow{ID: m.ID, Private: m.Visibility == blog.RestrictedComment, Home: m.URL,
		When: when(m.ArrivedAt, req.now, req.zone), Language: m.Language, Warning: m.Warning,
		Words: bodyHTML(m.HTML, m.Plain)},
		Answered: m.Answers, Limited: found.actors[m.ActorID].Block == blog.Limit}
	if row.Private {
		row.Why, row.Class = "Private: only you see it", "wait"
	} else {
		// Only for public posts: a public article in reply to a private post would reveal it.
		row.Answer = "/admin/articles/new?" + url.Values{"in-reply-to": {m.Address}}.Encode()
	}
	if (frame{Author: req.author}).IsModerator() {
		row.Block = blockPath(m.ActorID)
	}
	if m.VoiceID != req.author.ID {
		row.Names = found.voices[m.VoiceID].Handle
	}
	row.Person, row.Facts = found.writer(m.ActorID, "")
	return row
}

// hideMention hides a mention, or shows it again.
func (h *Handler) hideMention(req *request) error {
	id, err := req.id("mention")
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	hide := form.Get("state") == "hidden"
	// The list in the query is the check of rights: a mention of somebody else is not found.
	if err := h.store.HideMention(req.ctx(), req.ownMentions(false), id, hide); err != nil {
		return err
	}
	if hide {
		return req.redirect("/admin/mentions?done=put-away")
	}
	return req.redirect("/admin/mentions?tab=hidden&done=back")
}
