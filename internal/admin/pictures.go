package admin

import (
	"net/http"

	"causerie/internal/blog"
	"causerie/internal/media"
	"causerie/internal/text"
)

// picturesPage is a page of the picture library. Its pictures without a description come first.
type picturesPage struct {
	frame
	Pictures    []libraryPicture
	Undescribed int
	Pager       pager
	Errors      fieldErrors
}

// picturesPerPage is how many pictures of the library one page shows.
const picturesPerPage = 100

// libraryPicture is one picture of the library.
type libraryPicture struct {
	picture
	Small string
	Facts string
	Line  string // the Markdown for an article
}

func (h *Handler) pictures(req *request) error {
	return h.showPictures(req, http.StatusOK, picturesPage{Errors: fieldErrors{}})
}

func (h *Handler) showPictures(req *request, status int, p picturesPage) error {
	f, err := h.frame(req, "pictures", "Pictures")
	if err != nil {
		return err
	}
	p.frame = f
	list, err := h.store.PicturesOf(req.ctx(), req.author.ID, picturesPerPage+1, offset(req.r))
	if err != nil {
		return err
	}
	p.Pager, list = paginate(req.r, list, picturesPerPage)
	var worded []libraryPicture
	for _, one := range list {
		shown := libraryPicture{picture: *pictureOf(one, ""), Small: media.Thumbnail(one),
			Line: "![" + bracketless(one.Alt) + "](" + one.Name + ")",
			Facts: text.Number(one.Width) + " × " + text.Number(one.Height) + " pixels, " +
				when(one.CreatedAt, req.now, req.zone)}
		if one.Alt == "" {
			p.Pictures = append(p.Pictures, shown)
			p.Undescribed++
			continue
		}
		worded = append(worded, shown)
	}
	p.Pictures = append(p.Pictures, worded...)
	return h.pages.Render(req.w, status, "admin/pictures", p)
}

var noFile = fieldError{"No file was chosen.", "Choose a picture on your device."}

func (h *Handler) addPicture(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	p := picturesPage{Errors: fieldErrors{}}
	added, err := h.upload(req, req.author.ID, "upload", line(form, "alt"))
	if err := p.Errors.addAs("upload", err); err != nil {
		return err
	}
	if added.ID == "" && len(p.Errors) == 0 {
		p.Errors["upload"] = noFile
	}
	if len(p.Errors) > 0 {
		return h.showPictures(req, http.StatusUnprocessableEntity, p)
	}
	return req.redirect("/admin/pictures?done=picture#p-" + string(added.ID))
}

// describePicture saves the description of a picture.
func (h *Handler) describePicture(req *request) error {
	id, err := req.id("picture")
	if err != nil {
		return err
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	found, err := h.store.Pictures(req.ctx(), []blog.ID{id})
	if err != nil {
		return err
	}
	p, ok := found[id]
	// Not found rather than forbidden: nobody learns which ids other authors have.
	if !ok || !req.author.MayWrite(p.VoiceID) {
		return blog.ErrNotFound
	}
	alt := line(form, "alt")
	// Mastodon cuts longer descriptions.
	if len([]rune(alt)) > 1500 {
		return blog.Invalid{Field: "description", Problem: "is longer than 1,500 characters: other servers cut it there"}
	}
	if err := h.store.DescribePicture(req.ctx(), id, alt); err != nil {
		return err
	}
	return req.redirect("/admin/pictures?done=described#p-" + string(id))
}
