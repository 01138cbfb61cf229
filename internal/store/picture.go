package store

import (
	"context"
	"fmt"

	"causerie/internal/blog"
)

// AddPicture saves an entry of the picture library with its files.
func (s *Store) AddPicture(ctx context.Context, p blog.Picture) error {
	return s.InTx(ctx, func(s *Store) error {
		err := s.run(ctx, `
			INSERT INTO media (id, voice_id, type, width, height, blurhash, alt, name, digest, created_at, public)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, FALSE)`,
			p.ID, p.VoiceID, p.Type, p.Width, p.Height, p.Blurhash, p.Alt, p.Name, p.Digest, p.CreatedAt)
		if err != nil {
			return fmt.Errorf("add picture %q: %w", p.Name, err)
		}
		for _, f := range p.Files {
			if err := s.run(ctx, `INSERT INTO media_files (picture_id, file, width, height, size) VALUES (?, ?, ?, ?, ?)`,
				p.ID, f.File, f.Width, f.Height, f.Size); err != nil {
				return err
			}
		}
		return nil
	})
}

// PictureAccess returns the voice to which a picture file belongs, and whether everybody may see it. It returns
// blog.ErrNotFound for a file of no picture.
func (s *Store) PictureAccess(ctx context.Context, file string) (owner blog.ID, public bool, err error) {
	var row struct {
		VoiceID blog.ID
		Public  bool
	}
	err = s.one(ctx, &row, `SELECT m.voice_id, m.public FROM media_files f JOIN media m ON m.id = f.picture_id
		WHERE f.file = ?`, file)
	return row.VoiceID, row.Public, err
}

// showPictures lets everybody see the pictures of an article that is published: of its text, of its public
// translations, and at its top.
func (s *Store) showPictures(ctx context.Context, a blog.Article) error {
	if a.Status != blog.Published {
		return nil
	}
	translations, err := s.Translations(ctx, a.ID)
	if err != nil {
		return err
	}
	ids := append(a.PictureIDs(), a.PictureID)
	for _, t := range translations {
		if !t.Draft {
			ids = append(ids, t.PictureIDs()...)
		}
	}
	return s.run(ctx, `UPDATE media SET public = TRUE WHERE id IN (?) AND NOT public`, ids)
}

// showPortrait lets everybody see the pictures of a voice.
func (s *Store) showPortrait(ctx context.Context, v blog.Voice) error {
	return s.run(ctx, `UPDATE media SET public = TRUE
		WHERE id IN (SELECT picture_id FROM media_files WHERE file IN (?, ?)) AND NOT public`, v.Picture, v.Header)
}

// DescribePicture changes a picture's description for people who cannot see it.
func (s *Store) DescribePicture(ctx context.Context, id blog.ID, alt string) error {
	return s.InTx(ctx, func(s *Store) error {
		// Pages show the description of a picture from here, unless the article has its own.
		s.markChanged()
		return s.execOne(ctx, `UPDATE media SET alt = ? WHERE id = ?`, alt, id)
	})
}

const mediaColumns = `id, voice_id, type, width, height, blurhash, alt, name, digest, created_at`

// Pictures finds pictures by their ids.
func (s *Store) Pictures(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Picture, error) {
	found := map[blog.ID]blog.Picture{}
	if len(ids) == 0 {
		return found, nil
	}
	var list []blog.Picture
	if err := s.all(ctx, &list, `SELECT `+mediaColumns+` FROM media WHERE id IN (?)`, ids); err != nil {
		return nil, err
	}
	if err := s.completePictures(ctx, list); err != nil {
		return nil, err
	}
	for _, p := range list {
		found[p.ID] = p
	}
	return found, nil
}

// PictureByDigest finds a voice's picture with the same bytes, so that the same upload is stored once.
func (s *Store) PictureByDigest(ctx context.Context, voice blog.ID, digest string) (blog.Picture, error) {
	list := make([]blog.Picture, 1)
	if err := s.one(ctx, &list[0], `SELECT `+mediaColumns+` FROM media WHERE voice_id = ? AND digest = ?`, voice,
		digest); err != nil {
		return list[0], err
	}
	err := s.completePictures(ctx, list)
	return list[0], err
}

// PictureByName finds the newest picture of a voice with one of two names.
func (s *Store) PictureByName(ctx context.Context, voice blog.ID, name, other string) (blog.Picture, error) {
	list := make([]blog.Picture, 1)
	if err := s.one(ctx, &list[0], `SELECT `+mediaColumns+` FROM media WHERE voice_id = ? AND name IN (?, ?)
		ORDER BY id DESC LIMIT 1`, voice, name, other); err != nil {
		return list[0], err
	}
	err := s.completePictures(ctx, list)
	return list[0], err
}

// PicturesOf lists a voice's pictures, newest first, from an offset on.
func (s *Store) PicturesOf(ctx context.Context, voice blog.ID, limit, offset int) ([]blog.Picture, error) {
	var list []blog.Picture
	err := s.all(ctx, &list, `SELECT `+mediaColumns+` FROM media WHERE voice_id = ? ORDER BY id DESC LIMIT ? OFFSET ?`,
		voice, limit, offset)
	if err != nil {
		return nil, err
	}
	return list, s.completePictures(ctx, list)
}

func (s *Store) completePictures(ctx context.Context, list []blog.Picture) error {
	if len(list) == 0 {
		return nil
	}
	at, ids := map[blog.ID]int{}, make([]blog.ID, len(list))
	for i, p := range list {
		at[p.ID], ids[i] = i, p.ID
	}
	var files []blog.PictureFile
	// Picture.Largest takes the last file, so they come by width.
	err := s.all(ctx, &files, `SELECT picture_id, file, width, height, size FROM media_files WHERE picture_id IN (?)
		ORDER BY width`, ids)
	for _, f := range files {
		p := &list[at[f.PictureID]]
		p.Files = append(p.Files, f)
	}
	return err
}
