package admin

import (
	"slices"
	"strings"

	"causerie/internal/blog"
)

// untouched reports whether the form holds what is stored, or what a new sheet opens with.
func (h *Handler) untouched(req *request, a blog.Article, p editorPage) (bool, error) {
	series, err := h.store.SeriesOf(req.ctx(), a)
	return p.editorForm == editorFormOf(a, series), err
}

// exits is where a button of the editor leads once the words are saved; "" when it stays. A language to translate into
// also waits for the words to be saved on purpose.
func (p *editorPage) exits(action, language string) string {
	article := "/admin/articles/" + string(p.Article.ID)
	switch text, isText := strings.CutPrefix(action, "text:"); {
	case isText:
		return textPath(p.Article, text)
	case action == "list":
		return "/admin/articles?tab=" + p.Shelf()
	case action == "library":
		return "/admin/pictures"
	case action == "publish", action == "report", action == "versions", action == "withdraw":
		return article + "/" + action
	case action == "translate", language != "" && (action == "save" || action == quietly):
		return p.translateInto(language)
	}
	return ""
}

// Shelf is the tab of the list on which the article stands.
func (p *editorPage) Shelf() string {
	for _, shelf := range articleTabs {
		if slices.Contains(shelf.filter, p.Article.Status) {
			return shelf.name
		}
	}
	return "drafts"
}

func (p *editorPage) translateInto(language string) string {
	p.Into = language
	switch tag, known := blog.Language(language); {
	case !known:
		p.Errors.addNew("into", blog.UnknownLanguage)
	case tag == p.Article.Language:
		p.Errors.addNew("into", "is that of the article itself: choose another")
	default:
		return textPath(p.Article, tag)
	}
	return ""
}

// notByTheWay is what is said of changed words that readers would see if a button saved them that leads elsewhere.
var notByTheWay = fieldError{"What you changed is not saved yet.",
	"Readers see it once it is, so no other button saves it by the way."}
