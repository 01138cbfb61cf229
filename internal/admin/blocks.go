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

// IsModerator reports whether the author may see reports and change blocks.
func (f frame) IsModerator() bool { return f.Author.Role == blog.Admin || f.Author.Role == blog.Editor }

// moderators serves a page to administrators and editors only.
func (h *Handler) moderators(handle func(*request) error) http.HandlerFunc {
	return h.authed(func(req *request) error {
		if !(frame{Author: req.author}).IsModerator() {
			return blog.ErrForbidden
		}
		return handle(req)
	})
}

// blocksPage lists the blocked servers or people.
type blocksPage struct {
	frame
	Tab      string
	Tabs     []tab
	Search   string
	Rows     []blocked
	Pager    pager
	Confined bool   // only allowed servers are federated with
	Subject  string // as typed
	Errors   fieldErrors
}

// blocked is one block in the list.
type blocked struct {
	blog.Block
	Name   string // a handle or a domain
	Class  string // the CSS class of Word
	Word   string
	Since  string
	Change string // the address of its form
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

// showBlocks renders the list. subject and t come from the form above it, if that had an error.
func (h *Handler) showBlocks(req *request, status int, subject string, t fieldErrors) error {
	f, err := h.frame(req, "blocks", "Blocks")
	if err != nil {
		return err
	}
	p := blocksPage{frame: f, Tab: "servers", Search: text.WrittenLine(req.r.URL.Query().Get("q")),
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
	list := store.BlockFilter{Kind: open.filter, Search: p.Search, Limit: blocksPerPage + 1, Offset: offset(req.r)}
	if p.Rows, err = h.listBlocks(req, list); err != nil {
		return err
	}
	p.Pager, p.Rows = paginate(req.r, p.Rows, blocksPerPage)
	return h.pages.Render(req.w, status, "admin/blocks", p)
}

// listBlocks reads blocks, and the names of the people in them.
func (h *Handler) listBlocks(req *request, l store.BlockFilter) ([]blocked, error) {
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
	// One query for all people. A blocked person whose actor is unknown is shown by the id.
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

// nameOf is the handle of a blocked person, if known; else the id or the domain.
func nameOf(b blog.Block, actor blog.Actor) string {
	if b.Kind == blog.BlockPerson && actor.Handle != "" {
		return "@" + actor.Handle
	}
	return b.Subject
}

// blockPage is the form of one block.
type blockPage struct {
	frame
	Choices []choiceOfBlock
	Person  string // the id of a person; "" if a server was chosen
	Level   string
	Reason  string
	Note    string
	Again   bool // an existing block is changed
	Errors  fieldErrors
}

// choiceOfBlock is one subject that can be blocked: a person, or their whole server.
type choiceOfBlock struct {
	Subject string
	Words   string
	Reach   string
	Chosen  bool
}

// showBlock shows the form for what was typed or linked, and what the block affects.
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
	// The form of an existing block begins with its values: saving replaces the whole block.
	before, err := h.store.BlockBySubject(req.ctx(), kind, subject)
	if err == nil {
		p.Level, p.Reason, p.Note, p.Again = string(before.Level), before.Reason, before.Note, true
	} else if !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	return h.blockForm(req, http.StatusOK, subject, p)
}

// blockForm renders the form. chosen is the selected subject.
func (h *Handler) blockForm(req *request, status int, chosen string, p blockPage) error {
	var err error
	if p.frame, err = h.frame(req, "blocks", "Block"); err != nil {
		return err
	}
	subjects := []string{chosen}
	// Whoever blocks a person is also offered the whole server, and sees what each choice affects.
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

// choiceOf describes a choice and counts what it affects.
func (h *Handler) choiceOf(req *request, subject string, isPerson bool) (choiceOfBlock, error) {
	kind, words := blog.BlockServer, "Everybody on "+subject+" and its subdomains"
	if isPerson {
		actor, err := h.store.Actor(req.ctx(), subject)
		// A person can be blocked before this blog has ever seen their actor.
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return choiceOfBlock{}, err
		}
		kind, words = blog.BlockPerson, nameOf(blog.Block{Kind: blog.BlockPerson, Subject: subject}, actor)+" alone"
	}
	reach, err := h.store.Reach(req.ctx(), kind, subject)
	return choiceOfBlock{Subject: subject, Words: words, Reach: reachText(reach)}, err
}

// reachText says in one sentence what a block affects.
func reachText(r blog.BlockReach) string {
	// People are not counted: an actor without comments, reactions or follows leaves nothing to hide.
	if r == (blog.BlockReach{People: r.People}) {
		return "Nothing here comes from there."
	}
	return "Here from there: " + joinNames([]string{text.Plural(r.Followers, "follower", "followers"),
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
	// Read first: the flash message depends on the level that ends.
	before, err := h.store.BlockBySubject(req.ctx(), kind, subject)
	if err != nil {
		return err
	}
	if err := h.store.Unblock(req.ctx(), kind, subject); err != nil {
		return err
	}
	done := map[blog.BlockLevel]string{blog.Limit: "unlimited", blog.Refuse: "let-in"}[before.Level]
	return req.redirect("/admin/blocks?tab=" + tabOf(kind) + "&done=" + done)
}

// importPage shows what importing a list would change.
type importPage struct {
	frame
	outbox.Import
	Noops, Partial int
	First          []blog.Block // the first of the new blocks
	More           int          // the number of the others
	List           string       // the CSV, for the confirmation
}

const namedBlocks = 20

// importBlocks reads a list and shows what it would change. It imports the list when the form confirms it.
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
		// The plan is made again when the form confirms it: somebody may have changed the blocks meanwhile.
		plan, err = h.outbox.PlanImport(req.ctx(), list)
		if err = t.add(err); err != nil {
			return err
		}
	}
	if len(t) > 0 {
		return h.showBlocks(req, http.StatusUnprocessableEntity, "", t)
	}
	// Nothing changes without this button: a list may refuse thousands of servers.
	if form.Get("sure") != "" {
		if err := h.outbox.Import(req.ctx(), plan); err != nil {
			return err
		}
		return req.redirect("/admin/blocks?done=imported")
	}
	return h.previewImport(req, list, plan)
}

// readList reads the chosen file, or the list that the confirming form carries. Errors in the list go into the
// fieldErrors.
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

// previewImport shows the plan, with the whole list in a hidden field for the confirmation.
func (h *Handler) previewImport(req *request, list blocklist.Blocklist, plan outbox.Import) error {
	f, err := h.frame(req, "blocks", "Import a list")
	if err != nil {
		return err
	}
	p := importPage{frame: f, Import: plan, Noops: list.Noops, Partial: list.Partial}
	p.First = plan.New[:min(namedBlocks, len(plan.New))]
	p.More = len(plan.New) - len(p.First)
	var text strings.Builder
	// Only what was understood goes into the form. So the confirmation imports what was shown, also if the file changed.
	if err := blocklist.WriteBlocklist(&text, list.Blocks); err != nil {
		return err
	}
	p.List = text.String()
	return h.pages.Render(req.w, http.StatusOK, "admin/block-import", p)
}

func (h *Handler) exportBlocks(req *request) error {
	// The file can be imported by other servers, whose format knows domains only. So people are left out.
	blocks, err := h.store.Blocks(req.ctx(), store.BlockFilter{Kind: blog.BlockServer})
	if err != nil {
		return err
	}
	req.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	req.w.Header().Set("Content-Disposition", `attachment; filename="blocks.csv"`)
	return blocklist.WriteBlocklist(req.w, blocks)
}
