package media

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
)

var digestPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// FindPicture finds a picture of a voice by a reference in Markdown: the name of an upload ("the-house.jpg"; folders in
// front are ignored), the address of one of its files ("/media/…"), or the SHA-256 of the upload in hex. Of two
// pictures with one name it returns the newer. It returns blog.ErrNotFound when there is none.
func FindPicture(ctx context.Context, s *store.Store, voice blog.ID, reference string) (blog.Picture, error) {
	if file, found := strings.CutPrefix(reference, "/media/"); found {
		return pictureByFile(ctx, s, file)
	}
	if digestPattern.MatchString(reference) {
		return s.PictureByDigest(ctx, voice, reference)
	}
	p, err := s.PictureByName(ctx, voice, path.Base(reference), CleanName(FileOf(reference)))
	if err != nil {
		return p, fmt.Errorf("picture %q: %w", reference, err)
	}
	return p, nil
}

// FileOf returns the path of the file that a reference in Markdown means. A reference is an address, so
// "low%20tide.png" means "low tide.png". One that is no address, such as "100%.png", is the path itself.
func FileOf(reference string) string {
	if plain, err := url.PathUnescape(reference); err == nil {
		return plain
	}
	return reference
}

func pictureByFile(ctx context.Context, s *store.Store, file string) (blog.Picture, error) {
	if !fileName.MatchString(file) {
		return blog.Picture{}, fmt.Errorf("picture file %q: %w", file, blog.ErrNotFound)
	}
	id := blog.ID(file[:26])
	found, err := s.Pictures(ctx, []blog.ID{id})
	if err != nil {
		return blog.Picture{}, err
	}
	p, ok := found[id]
	// The whole name: somebody who knows the id alone must not publish the picture of another author's draft.
	if !ok || !slices.ContainsFunc(p.Files, func(f blog.PictureFile) bool { return f.File == file }) {
		return blog.Picture{}, fmt.Errorf("picture file %q: %w", file, blog.ErrNotFound)
	}
	return p, nil
}

// SrcSet returns the srcset of a picture: "/media/…-480.jpg 480w, /media/…-960.jpg 960w".
func SrcSet(p blog.Picture) string {
	var set strings.Builder
	for i, f := range p.Files {
		if i > 0 {
			set.WriteString(", ")
		}
		set.WriteString("/media/" + f.File + " " + strconv.Itoa(f.Width) + "w")
	}
	return set.String()
}

// Thumbnail returns the address of a picture's smallest file, "" when it has none.
func Thumbnail(p blog.Picture) string {
	if len(p.Files) == 0 {
		return ""
	}
	return "/media/" + p.Files[0].File
}
