package admin

import (
	"net/http"
	"net/url"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// mentionsPage lists the posts elsewhere that name the author and speak of no article.
type mentionsPage struct {
	frame
	Heading string
	Tabs    []tab
	Hidden  bool // those that were put away
	Rows    []mention
	Pager   pager
}

// mention is a post as whom it names sees it.
type mention struct {
	held
	Names    string // the voice that it names, where that is not the author
	Answered string // the address of what it answers
	Answer   string // the way to an article that answers it; "" where that would tell others what was said in private
	Limited  bool   // who wrote it is
}

const mentionsPerPage = 30

// mine is which mentions somebody may read: those of themselves, and of the blog's voices for whoever runs the blog.
func (v *visit) mine(hidden bool) store.MentionList {
	return store.MentionList{Author: v.author.ID, Blog: v.author.Role == blog.Admin, Hidden: hidden}
}

func (d *Desk) mentions(v *visit) error {
	f, err := d.frame(v, "mentions", "Mentions")
	if err != nil {
		return err
	}
	p := mentionsPage{frame: f, Hidden: v.r.URL.Query().Get("tab") == "hidden"}
	for _, of := range []struct {
		word, url string
		hidden    bool
	}{{"Mentions", "/admin/mentions", false}, {"Hidden", "/admin/mentions?tab=hidden", true}} {
		n, err := d.store.CountMentions(v.ctx(), v.mine(of.hidden))
		if err != nil {
			return err
		}
		p.Tabs = append(p.Tabs, tab{Word: of.word, URL: of.url, Count: n, Here: of.hidden == p.Hidden})
		if of.hidden == p.Hidden {
			p.Heading = upper(text.PluralInWords(n, "post elsewhere names you", "posts elsewhere name you"))
		}
	}
	if p.Hidden {
		p.Heading = "Hidden mentions"
	}
	if err := d.readMentions(v, &p); err != nil {
		return err
	}
	return d.pages.Render(v.w, http.StatusOK, "admin/mentions", p)
}

func (d *Desk) readMentions(v *visit, p *mentionsPage) error {
	list := v.mine(p.Hidden)
	list.Limit, list.Offset = mentionsPerPage+1, offset(v.r)
	mentions, err := d.store.Mentions(v.ctx(), list)
	if err != nil {
		return err
	}
	var writers []string
	for _, m := range mentions {
		writers = append(writers, m.ActorID)
	}
	known, err := d.store.Actors(v.ctx(), writers)
	if err != nil {
		return err
	}
	for _, m := range mentions {
		row, err := d.mention(v, m, known[m.ActorID])
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, row)
	}
	p.Pager, p.Rows = turn(v.r, p.Rows, mentionsPerPage)
	return nil
}

func (d *Desk) mention(v *visit, m blog.Mention, actor blog.Actor) (mention, error) {
	row := mention{held: held{ID: m.ID, Private: m.Visibility == blog.RestrictedComment, When: moment(m.ArrivedAt, v.now, v.zone), Home: m.URL, Language: m.Language,
		Warning: m.Warning, Words: said(m.HTML, m.Plain)}, Answered: m.Answers, Limited: actor.Block == blog.Limit}
	if row.Private {
		row.Why, row.Class = "Private: for you alone, and shown nowhere", "wait"
	} else {
		row.Answer = "/admin/articles/new?" + url.Values{"in-reply-to": {m.Address}}.Encode()
	}
	if (frame{Author: v.author}).IsModerator() {
		row.Block = blockPath(m.ActorID)
	}
	if m.VoiceID != v.author.ID {
		voice, err := d.store.Voice(v.ctx(), m.VoiceID)
		if err != nil {
			return row, err
		}
		row.Names = voice.Handle
	}
	var err error
	row.Who, row.Facts, err = d.writer(v.ctx(), blog.Comment{ActorID: m.ActorID}, actor)
	return row, err
}

// hideMention puts a mention away, or brings it back.
func (d *Desk) hideMention(v *visit) error {
	id, err := v.id("mention")
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	hide := form.Get("state") == "hidden"
	if err := d.store.HideMention(v.ctx(), v.mine(false), id, hide); err != nil {
		return err
	}
	if hide {
		return v.see("/admin/mentions?done=put-away")
	}
	return v.see("/admin/mentions?tab=hidden&done=back")
}
