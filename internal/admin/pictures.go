package admin

import (
	"net/http"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/media"
	"causerie/internal/text"
)

// picturesPage is the picture library, those without words first.
type picturesPage struct {
	frame
	Pictures []libraryPicture
	Wordless int
	Troubles troubles
}

// libraryPicture is one of them, with its words for those who cannot see it.
type libraryPicture struct {
	picture
	Small string
	Facts string
	Line  string // as it is written in an article
}

func (d *Desk) pictures(v *visit) error {
	return d.showPictures(v, http.StatusOK, picturesPage{Troubles: troubles{}})
}

func (d *Desk) showPictures(v *visit, status int, p picturesPage) error {
	f, err := d.frame(v, "pictures", "Pictures")
	if err != nil {
		return err
	}
	p.frame = f
	list, err := d.store.PicturesOf(v.ctx(), v.author.ID)
	if err != nil {
		return err
	}
	var worded []libraryPicture
	for _, one := range list {
		shown := libraryPicture{picture: *shown(one, ""), Small: media.Thumbnail(one), Line: "![" + bracketless(one.Alt) + "](" + one.Name + ")",
			Facts: text.Number(one.Width) + " × " + text.Number(one.Height) + " pixels, " + moment(one.CreatedAt, v.now, v.zone)}
		if one.Alt == "" {
			p.Pictures = append(p.Pictures, shown)
			p.Wordless++
			continue
		}
		worded = append(worded, shown)
	}
	p.Pictures = append(p.Pictures, worded...)
	return d.pages.Render(v.w, status, "admin/pictures", p)
}

var noFile = trouble{"No file was chosen.", "Choose a picture from your device."}

func (d *Desk) addPicture(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p := picturesPage{Troubles: troubles{}}
	added, err := d.upload(v, v.author.ID, "upload", strings.TrimSpace(form.Get("alt")))
	if err := p.Troubles.noteAs("upload", err); err != nil {
		return err
	}
	if added.ID == "" && len(p.Troubles) == 0 {
		p.Troubles["upload"] = noFile
	}
	if len(p.Troubles) > 0 {
		return d.showPictures(v, http.StatusUnprocessableEntity, p)
	}
	return v.see("/admin/pictures?done=picture#p-" + string(added.ID))
}

// describePicture keeps the words for a picture.
func (d *Desk) describePicture(v *visit) error {
	id, err := v.id("picture")
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	found, err := d.store.Pictures(v.ctx(), []blog.ID{id})
	if err != nil {
		return err
	}
	p, ok := found[id]
	if !ok || !v.author.MayWrite(p.VoiceID) {
		return blog.ErrNotFound
	}
	alt := strings.Join(strings.Fields(form.Get("alt")), " ")
	if len([]rune(alt)) > 1500 {
		return blog.Invalid{Field: "description", Problem: "is longer than 1,500 characters: other servers cut it there"}
	}
	if err := d.store.DescribePicture(v.ctx(), id, alt); err != nil {
		return err
	}
	return v.see("/admin/pictures?done=described#p-" + string(id))
}
