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

// IsModerator reports whether blocks and reports are open to the author.
func (f frame) IsModerator() bool { return f.Author.Role == blog.Admin || f.Author.Role == blog.Editor }

// moderators serves a page that is for administrators and editors alone.
func (h *Handler) moderators(handle func(*request) error) http.HandlerFunc {
	return h.authed(func(req *request) error {
		if !(frame{Author: req.author}).IsModerator() {
			return blog.ErrForbidden
		}
		return handle(req)
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
	Errors   fieldErrors
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

// blockTabs are the tabs of the page.
var blockTabs = []listTab[blog.BlockKind]{
	{name: "servers", word: "Servers", filter: blog.BlockServer},
	{name: "people", word: "People", filter: blog.BlockPerson},
}

func (h *Handler) blocks(req *request) error {
	return h.showBlocks(req, http.StatusOK, "", fieldErrors{})
}

func (h *Handler) showBlocks(req *request, status int, subject string, t fieldErrors) error {
	f, err := h.frame(req, "blocks", "Blocks")
	if err != nil {
		return err
	}
	p := blocksPage{frame: f, Tab: "servers", Search: strings.TrimSpace(req.r.URL.Query().Get("q")),
		Confined: h.outbox.AllowList, Subject: subject, Errors: t}
	if req.r.URL.Query().Get("tab") == "people" {
		p.Tab = "people"
	}
	tabs, open, err := readTabs("/admin/blocks", p.Tab, blockTabs, func(t listTab[blog.BlockKind]) (int, error) {
		return h.store.CountBlocks(req.ctx(), t.filter)
	})
	if err != nil {
		return err
	}
	p.Tabs = tabs
	list := store.BlockList{Kind: open.filter, Search: p.Search, Limit: blocksPerPage + 1, Offset: offset(req.r)}
	if p.Rows, err = h.listBlocks(req, list); err != nil {
		return err
	}
	p.Pager, p.Rows = paginate(req.r, p.Rows, blocksPerPage)
	return h.pages.Render(req.w, status, "admin/blocks", p)
}

func (h *Handler) listBlocks(req *request, l store.BlockList) ([]blocked, error) {
	list, err := h.store.Blocks(req.ctx(), l)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, b := range list {
		if b.Kind == blog.BlockPerson {
			ids = append(ids, b.Subject)
		}
	}
	people, err := h.store.Actors(req.ctx(), ids)
	rows := make([]blocked, len(list))
	for i, b := range list {
		rows[i] = blocked{Block: b, Name: nameOf(b, people[b.Subject]), Class: "wait", Word: "Limited",
			Since:  when(b.At, req.now, req.zone),
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
	Choices []choiceOfBlock
	Person  string // whose address led here
	Level   string
	Reason  string
	Note    string
	Again   bool // there is a block already
	Errors  fieldErrors
}

// choiceOfBlock is one way to block: the person, or everybody on their server.
type choiceOfBlock struct {
	Subject string
	Words   string
	Reach   string
	Chosen  bool
}

// showBlock previews a block of what was typed, or of the person who was pointed at.
func (h *Handler) showBlock(req *request) error {
	query := req.r.URL.Query()
	p := blockPage{Person: query.Get("person"), Level: string(blog.Refuse), Errors: fieldErrors{}}
	typed := p.Person
	if typed == "" {
		typed = query.Get("subject")
	}
	kind, subject, err := h.outbox.BlockSubject(req.ctx(), typed)
	t := fieldErrors{}
	if err = t.add(err); err != nil {
		return err
	}
	if len(t) > 0 {
		return h.showBlocks(req, http.StatusUnprocessableEntity, typed, t)
	}
	if kind == blog.BlockPerson {
		p.Person = subject
	}
	before, err := h.store.BlockOf(req.ctx(), kind, subject)
	if err == nil {
		p.Level, p.Reason, p.Note, p.Again = string(before.Level), before.Reason, before.Note, true
	} else if !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	return h.blockForm(req, http.StatusOK, subject, p)
}

func (h *Handler) blockForm(req *request, status int, chosen string, p blockPage) error {
	var err error
	if p.frame, err = h.frame(req, "blocks", "Block"); err != nil {
		return err
	}
	subjects := []string{chosen}
	if p.Person != "" {
		subjects = []string{p.Person, blocklist.Domain(blog.HostOf(p.Person))}
	}
	for _, subject := range subjects {
		choice, err := h.choiceOf(req, subject, subject == p.Person)
		if err != nil {
			return err
		}
		choice.Chosen = subject == chosen
		p.Choices = append(p.Choices, choice)
	}
	return h.pages.Render(req.w, status, "admin/block", p)
}

func (h *Handler) choiceOf(req *request, subject string, isPerson bool) (choiceOfBlock, error) {
	kind, words := blog.BlockServer, "Everybody on "+subject+", and on the servers below it"
	if isPerson {
		actor, err := h.store.Actor(req.ctx(), subject)
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return choiceOfBlock{}, err
		}
		kind, words = blog.BlockPerson, nameOf(blog.Block{Kind: blog.BlockPerson, Subject: subject}, actor)+" alone"
	}
	reach, err := h.store.Reach(req.ctx(), kind, subject)
	return choiceOfBlock{Subject: subject, Words: words, Reach: reached(reach)}, err
}

// reached says what a block touches.
func reached(r blog.BlockReach) string {
	if r == (blog.BlockReach{People: r.People}) {
		return "Nothing here comes from there."
	}
	return "Here from there: " + list([]string{text.Plural(r.Followers, "follower", "followers"),
		text.Plural(r.Comments, "comment", "comments"),
		text.Plural(r.Reactions, "reaction", "reactions")}) + "."
}

func (h *Handler) block(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	p := blockPage{Person: form.Get("person"), Level: form.Get("level"), Reason: strings.TrimSpace(form.Get("reason")),
		Note:   strings.TrimSpace(form.Get("note")),
		Errors: fieldErrors{}}
	kind, subject, err := h.outbox.BlockSubject(req.ctx(), form.Get("subject"))
	if err == nil {
		err = h.outbox.Block(req.ctx(), blog.Block{Kind: kind, Subject: subject, Level: blog.BlockLevel(p.Level),
			Reason: p.Reason, Note: p.Note})
	}
	if err = p.Errors.add(err); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.blockForm(req, http.StatusUnprocessableEntity, form.Get("subject"), p)
	}
	done := map[blog.BlockLevel]string{blog.Limit: "limited", blog.Refuse: "refused"}[blog.BlockLevel(p.Level)]
	return req.redirect("/admin/blocks?tab=" + tabOf(kind) + "&done=" + done)
}

// tabOf is the name of the tab with the blocks of a kind.
func tabOf(kind blog.BlockKind) string {
	if kind == blog.BlockPerson {
		return "people"
	}
	return "servers"
}

func (h *Handler) unblock(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	kind, subject := blog.BlockKind(form.Get("kind")), form.Get("subject")
	before, err := h.store.BlockOf(req.ctx(), kind, subject)
	if err != nil {
		return err
	}
	if err := h.store.Unblock(req.ctx(), kind, subject); err != nil {
		return err
	}
	done := map[blog.BlockLevel]string{blog.Limit: "unlimited", blog.Refuse: "let-in"}[before.Level]
	return req.redirect("/admin/blocks?tab=" + tabOf(kind) + "&done=" + done)
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
func (h *Handler) importBlocks(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	list, t, err := h.readList(req, form)
	if err != nil {
		return err
	}
	var plan outbox.Import
	if len(t) == 0 {
		plan, err = h.outbox.PlanImport(req.ctx(), list)
		if err = t.add(err); err != nil {
			return err
		}
	}
	if len(t) > 0 {
		return h.showBlocks(req, http.StatusUnprocessableEntity, "", t)
	}
	if form.Get("sure") != "" {
		if err := h.outbox.Import(req.ctx(), plan); err != nil {
			return err
		}
		return req.redirect("/admin/blocks?done=imported")
	}
	return h.previewImport(req, list, plan)
}

// readList reads the file that was chosen, or the list that was looked at before.
func (h *Handler) readList(req *request, form url.Values) (blocklist.Blocklist, fieldErrors, error) {
	t := fieldErrors{}
	var from io.Reader = strings.NewReader(form.Get("text"))
	file, _, err := req.file("list")
	if err != nil {
		return blocklist.Blocklist{}, t, err
	}
	if file != nil {
		defer file.Close()
		from = file
	} else if form.Get("text") == "" {
		t["list"] = fieldError{"No file was chosen.", "Choose the CSV file that another server exported."}
		return blocklist.Blocklist{}, t, nil
	}
	list, err := blocklist.ReadBlocklist(from)
	var wrong blocklist.WrongLines
	if errors.As(err, &wrong) {
		t["list"] = fieldError{"The list was not imported.", "It has lines that are not understood: " + wrong.Error() + "."}
		return list, t, nil
	}
	if err == nil && len(list.Blocks) == 0 {
		t["list"] = fieldError{"The list blocks nobody.", "Choose a CSV file with a domain on each line."}
	}
	return list, t, err
}

func (h *Handler) previewImport(req *request, list blocklist.Blocklist, plan outbox.Import) error {
	f, err := h.frame(req, "blocks", "Import a list")
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
	return h.pages.Render(req.w, http.StatusOK, "admin/block-import", p)
}

func (h *Handler) exportBlocks(req *request) error {
	blocks, err := h.store.Blocks(req.ctx(), store.BlockList{Kind: blog.BlockServer})
	if err != nil {
		return err
	}
	req.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	req.w.Header().Set("Content-Disposition", `attachment; filename="blocks.csv"`)
	return blocklist.WriteBlocklist(req.w, blocks)
}
