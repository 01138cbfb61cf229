package admin

import (
	"slices"
	"strings"

	"causerie/internal/blog"
)

// unchanged reports whether the form holds what is stored, or what a new editor opens with.
func (h *Handler) unchanged(req *request, a blog.Article, p editorPage) (bool, error) {
	series, err := h.store.SeriesOf(req.ctx(), a)
	return p.editorForm == editorFormOf(a, series), err
}

// exitOf is the page to which a button of the editor leads after saving; "" if the author stays. A language to
// translate into is an error if it cannot be used.
func (p *editorPage) exitOf(action, language string) string {
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
	// Enter in the language field sends the form with its first button, Save. So that button obeys the field too.
	case action == "translate", language != "" && (action == "save" || action == quietly):
		return p.translateInto(language)
	}
	return ""
}

// Shelf is the name of the tab that lists the article.
func (p *editorPage) Shelf() string {
	for _, shelf := range articleTabs {
		if slices.Contains(shelf.filter, p.Article.Status) {
			return shelf.name
		}
	}
	return "drafts"
}

// translateInto is the page of the translation, or "" with an error.
func (p *editorPage) translateInto(language string) string {
	p.Into = language
	switch tag, known := blog.Language(language); {
	case !known:
		p.Errors.addNew("into", blog.UnknownLanguageText)
	case tag == p.Article.Language:
		p.Errors.addNew("into", "is the language of the article itself: choose another")
	default:
		return textPath(p.Article, tag)
	}
	return ""
}

// notByTheWay is the error when a button that leads elsewhere would publish changed text.
var notByTheWay = fieldError{"Your changes are not saved yet.",
	"Readers would see them at once, so only a save button saves them."}
