package admin

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/store"
	"causerie/internal/text"
)

// IsModerator tells whether blocks and reports are open to the author.
func (f frame) IsModerator() bool { return f.Author.Role == blog.Admin || f.Author.Role == blog.Editor }

// moderators serves a page that is for administrators and editors alone.
func (d *Desk) moderators(handle func(*visit) error) http.HandlerFunc {
	return d.signedIn(func(v *visit) error {
		if !(frame{Author: v.author}).IsModerator() {
			return blog.ErrForbidden
		}
		return handle(v)
	})
}

// blocksPage lists who is kept at a distance.
type blocksPage struct {
	frame
	Tab      string
	Tabs     []tab
	Search   string
	Rows     []blocked
	Pager    pager
	Confined bool   // the site speaks only with the servers on its list
	Subject  string // as typed
	Troubles troubles
}

// blocked is one of them.
type blocked struct {
	blog.Block
	Name   string // as people know it
	Class  string // of the shape before Word
	Word   string
	Since  string
	Change string // the way to its form
}

const blocksPerPage = 100

// sides are the tabs of the page.
var sides = []struct {
	name, word string
	kind       blog.BlockKind
}{{"servers", "Servers", blog.BlockServer}, {"people", "People", blog.BlockPerson}}

func (d *Desk) blocks(v *visit) error { return d.showBlocks(v, http.StatusOK, "", troubles{}) }

func (d *Desk) showBlocks(v *visit, status int, subject string, t troubles) error {
	f, err := d.frame(v, "blocks", "Blocks")
	if err != nil {
		return err
	}
	p := blocksPage{frame: f, Tab: "servers", Search: strings.TrimSpace(v.r.URL.Query().Get("q")), Confined: d.outbox.AllowList, Subject: subject, Troubles: t}
	if v.r.URL.Query().Get("tab") == "people" {
		p.Tab = "people"
	}
	for _, side := range sides {
		n, err := d.store.CountBlocks(v.ctx(), side.kind)
		if err != nil {
			return err
		}
		p.Tabs = append(p.Tabs, tab{Word: side.word, URL: "/admin/blocks?tab=" + side.name, Count: n, Here: side.name == p.Tab})
		if side.name != p.Tab {
			continue
		}
		list := store.BlockList{Kind: side.kind, Search: p.Search, Limit: blocksPerPage + 1, Offset: offset(v.r)}
		if p.Rows, err = d.listBlocks(v, list); err != nil {
			return err
		}
	}
	p.Pager, p.Rows = turn(v.r, p.Rows, blocksPerPage)
	return d.pages.Render(v.w, status, "admin/blocks", p)
}

func (d *Desk) listBlocks(v *visit, l store.BlockList) ([]blocked, error) {
	list, err := d.store.Blocks(v.ctx(), l)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, b := range list {
		if b.Kind == blog.BlockPerson {
			ids = append(ids, b.Subject)
		}
	}
	people, err := d.store.Actors(v.ctx(), ids)
	rows := make([]blocked, len(list))
	for i, b := range list {
		rows[i] = blocked{Block: b, Name: nameOf(b, people[b.Subject]), Class: "wait", Word: "Limited", Since: moment(b.At, v.now, v.zone),
			Change: "/admin/blocks/new?" + url.Values{"subject": {b.Subject}}.Encode()}
		if b.Level == blog.Refuse {
			rows[i].Class, rows[i].Word = "no", "Refused"
		}
	}
	return rows, err
}

func nameOf(b blog.Block, actor blog.Actor) string {
	if b.Kind == blog.BlockPerson && actor.Handle != "" {
		return "@" + actor.Handle
	}
	return b.Subject
}

// blockPage is the form of one block, with what it touches.
type blockPage struct {
	frame
	Choices  []choiceOfBlock
	Person   string // whose address led here
	Level    string
	Reason   string
	Note     string
	Again    bool // there is a block already
	Troubles troubles
}

// choiceOfBlock is one way to block: the person, or everybody on their server.
type choiceOfBlock struct {
	Subject string
	Words   string
	Reach   string
	Chosen  bool
}

// showBlock previews a block of what was typed, or of the person who was pointed at.
func (d *Desk) showBlock(v *visit) error {
	query := v.r.URL.Query()
	p := blockPage{Person: query.Get("person"), Level: string(blog.Refuse), Troubles: troubles{}}
	typed := p.Person
	if typed == "" {
		typed = query.Get("subject")
	}
	kind, subject, err := d.outbox.BlockSubject(v.ctx(), typed)
	t := troubles{}
	if err = t.note(err); err != nil {
		return err
	}
	if len(t) > 0 {
		return d.showBlocks(v, http.StatusUnprocessableEntity, typed, t)
	}
	if kind == blog.BlockPerson {
		p.Person = subject
	}
	before, err := d.store.BlockOf(v.ctx(), kind, subject)
	if err == nil {
		p.Level, p.Reason, p.Note, p.Again = string(before.Level), before.Reason, before.Note, true
	} else if !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	return d.blockForm(v, http.StatusOK, subject, p)
}

func (d *Desk) blockForm(v *visit, status int, chosen string, p blockPage) error {
	var err error
	if p.frame, err = d.frame(v, "blocks", "Block"); err != nil {
		return err
	}
	subjects := []string{chosen}
	if p.Person != "" {
		subjects = []string{p.Person, store.Domain(blog.HostOf(p.Person))}
	}
	for _, subject := range subjects {
		choice, err := d.choiceOf(v, subject, subject == p.Person)
		if err != nil {
			return err
		}
		choice.Chosen = subject == chosen
		p.Choices = append(p.Choices, choice)
	}
	return d.pages.Render(v.w, status, "admin/block", p)
}

func (d *Desk) choiceOf(v *visit, subject string, isPerson bool) (choiceOfBlock, error) {
	kind, words := blog.BlockServer, "Everybody on "+subject+", and on the servers below it"
	if isPerson {
		actor, err := d.store.Actor(v.ctx(), subject)
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return choiceOfBlock{}, err
		}
		kind, words = blog.BlockPerson, nameOf(blog.Block{Kind: blog.BlockPerson, Subject: subject}, actor)+" alone"
	}
	reach, err := d.store.Reach(v.ctx(), kind, subject)
	return choiceOfBlock{Subject: subject, Words: words, Reach: reached(reach)}, err
}

// reached says what a block touches.
func reached(r blog.Reach) string {
	if r == (blog.Reach{People: r.People}) {
		return "Nothing here comes from there."
	}
	return "Here from there: " + list([]string{text.Plural(r.Followers, "follower", "followers"), text.Plural(r.Comments, "comment", "comments"),
		text.Plural(r.Reactions, "reaction", "reactions")}) + "."
}

func (d *Desk) block(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p := blockPage{Person: form.Get("person"), Level: form.Get("level"), Reason: strings.TrimSpace(form.Get("reason")), Note: strings.TrimSpace(form.Get("note")),
		Troubles: troubles{}}
	kind, subject, err := d.outbox.BlockSubject(v.ctx(), form.Get("subject"))
	if err == nil {
		err = d.outbox.Block(v.ctx(), blog.Block{Kind: kind, Subject: subject, Level: blog.BlockLevel(p.Level), Reason: p.Reason, Note: p.Note})
	}
	if err = p.Troubles.note(err); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return d.blockForm(v, http.StatusUnprocessableEntity, form.Get("subject"), p)
	}
	done := map[blog.BlockLevel]string{blog.Limit: "limited", blog.Refuse: "refused"}[blog.BlockLevel(p.Level)]
	return v.see("/admin/blocks?tab=" + sideOf(kind) + "&done=" + done)
}

func sideOf(kind blog.BlockKind) string {
	for _, side := range sides {
		if side.kind == kind {
			return side.name
		}
	}
	return "servers"
}

func (d *Desk) unblock(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	kind, subject := blog.BlockKind(form.Get("kind")), form.Get("subject")
	before, err := d.store.BlockOf(v.ctx(), kind, subject)
	if err != nil {
		return err
	}
	if err := d.store.Unblock(v.ctx(), kind, subject); err != nil {
		return err
	}
	done := map[blog.BlockLevel]string{blog.Limit: "unlimited", blog.Refuse: "let-in"}[before.Level]
	return v.see("/admin/blocks?tab=" + sideOf(kind) + "&done=" + done)
}

// importPage says what a list would change.
type importPage struct {
	frame
	outbox.Import
	Noops, Partial int
	First          []blog.Block // some of the new ones
	More           int          // how many others there are
	List           string       // to be sent again
}

const namedBlocks = 20

// importBlocks reads a list, says what it would change, and changes it once that was seen.
func (d *Desk) importBlocks(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	list, t, err := d.readList(v, form)
	if err != nil {
		return err
	}
	var plan outbox.Import
	if len(t) == 0 {
		plan, err = d.outbox.PlanImport(v.ctx(), list)
		if err = t.note(err); err != nil {
			return err
		}
	}
	if len(t) > 0 {
		return d.showBlocks(v, http.StatusUnprocessableEntity, "", t)
	}
	if form.Get("sure") != "" {
		if err := d.outbox.Import(v.ctx(), plan); err != nil {
			return err
		}
		return v.see("/admin/blocks?done=imported")
	}
	return d.previewImport(v, list, plan)
}

// readList reads the file that was chosen, or the list that was looked at before.
func (d *Desk) readList(v *visit, form url.Values) (blocklist.Blocklist, troubles, error) {
	t := troubles{}
	var from io.Reader = strings.NewReader(form.Get("text"))
	file, _, err := v.file("list")
	if err != nil {
		return blocklist.Blocklist{}, t, err
	}
	if file != nil {
		defer file.Close()
		from = file
	} else if form.Get("text") == "" {
		t["list"] = trouble{"No file was chosen.", "Choose the CSV file that another server exported."}
		return blocklist.Blocklist{}, t, nil
	}
	list, err := blocklist.ReadBlocklist(from)
	var wrong blocklist.WrongLines
	if errors.As(err, &wrong) {
		t["list"] = trouble{"The list was not imported.", "It has lines that are not understood: " + wrong.Error() + "."}
		return list, t, nil
	}
	if err == nil && len(list.Blocks) == 0 {
		t["list"] = trouble{"The list blocks nobody.", "Choose a CSV file with a domain on each line."}
	}
	return list, t, err
}

func (d *Desk) previewImport(v *visit, list blocklist.Blocklist, plan outbox.Import) error {
	f, err := d.frame(v, "blocks", "Import a list")
	if err != nil {
		return err
	}
	p := importPage{frame: f, Import: plan, Noops: list.Noops, Partial: list.Partial}
	p.First = plan.New[:min(namedBlocks, len(plan.New))]
	p.More = len(plan.New) - len(p.First)
	var text strings.Builder
	if err := blocklist.WriteBlocklist(&text, list.Blocks); err != nil {
		return err
	}
	p.List = text.String()
	return d.pages.Render(v.w, http.StatusOK, "admin/block-import", p)
}

func (d *Desk) exportBlocks(v *visit) error {
	blocks, err := d.store.Blocks(v.ctx(), store.BlockList{Kind: blog.BlockServer})
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	v.w.Header().Set("Content-Disposition", `attachment; filename="blocks.csv"`)
	return blocklist.WriteBlocklist(v.w, blocks)
}
