package authoring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// File is a file from which an article or a translation is read, and how its author wants it to be taken.
type File struct {
	// Paths are the names of the file. The first is remembered; the others are names that it may have had. There are
	// none for standard input.
	Paths []string
	// OldName is the name under which older versions of the program remembered the file.
	OldName string
	// Exists reports whether a file that was remembered still exists.
	Exists func(path string) bool

	ID    blog.ID // in the file; "" if it has none
	Slug  string  // in the file; "" if it has none
	New   bool    // the file is a new article, whatever it was before
	Force bool    // the file replaces what it finds
}

// path returns the name that is remembered.
func (f File) path() string {
	if len(f.Paths) == 0 {
		return ""
	}
	return f.Paths[0]
}

// FileError says why a file must not change an article: the author may mean another one, or would lose a change. With
// File.Force it is not returned.
type FileError struct {
	Reason  FileReason
	Article blog.Article
	Slug    string   // of the file, or made from its title
	Came    string   // the file that the article came from; "" if none
	Fields  []string // the changed ones, by their keys in the front matter; the text is “text”
}

// FileReason is the kind of a FileError.
type FileReason int

// The reasons of a FileError.
const (
	SameTitle   FileReason = iota // the title of the file makes the slug of an article that came from elsewhere
	OtherSource                   // its slug or id is that of an article that came from elsewhere
	OtherSlug                     // the file made a published article with another slug than the one it has now
	Changed                       // the article was changed elsewhere since the file was read
)

func (e *FileError) Error() string {
	return fmt.Sprintf("file of the article “%s”: %s", e.Article.Title, [...]string{SameTitle: "another has this slug",
		OtherSource: "it came from elsewhere", OtherSlug: "its slug is another",
		Changed: "changed since: " + strings.Join(e.Fields, ", ")}[e.Reason])
}

// errOthersSlug is the error for a slug of an article that this author must not change.
var errOthersSlug = errors.New("choose another in the front matter")

// OfFile returns the article that a file is: the one with its id, the one that the file was before, or the one with
// its slug. Any other file is a new article. before is the stored article; it is zero for a new one. The title is that
// of the file; a file without a slug gets one from it.
//
// An article that came from elsewhere is a *FileError. A slug of another author's article, and an id that no article of
// the author has, are errors that say so.
func (s Service) OfFile(ctx context.Context, author blog.Author, f File, title,
	language string) (a, before blog.Article, err error) {
	made := Slug(title, language)
	before, err = s.knownFile(ctx, author, f)
	if errors.Is(err, blog.ErrNotFound) && !f.New {
		before, err = s.bySlug(ctx, author, f, made)
	}
	switch {
	case errors.Is(err, blog.ErrNotFound):
		a, before = s.New(author, blog.NewID(s.Now()), language), blog.Article{}
	case err != nil:
		return before, before, err
	default:
		a = before
	}
	a.Slug, err = s.slugOfFile(ctx, f, a, made, language)
	a.Language = language
	return a, before, err
}

// slugOfFile returns the slug of the article that a file is: that of the file, the one it has, or the one that the
// title of the file makes.
func (s Service) slugOfFile(ctx context.Context, f File, a blog.Article, made, language string) (string, error) {
	switch {
	case f.Slug != "" && f.New:
		free, err := s.freeSlug(ctx, f.Slug, a, language)
		if err == nil && free != f.Slug {
			err = fmt.Errorf("the slug “%s” belongs to another article: %w", f.Slug, errOthersSlug)
		}
		return f.Slug, err
	case f.Slug != "":
		return f.Slug, nil
	case a.Month != "": // the address of a published article stays
		return a.Slug, nil
	// The slug of a draft follows its title, unless somebody chose another. Somebody else may have published under it.
	case a.Slug == "" || madeOf(a.Slug, Slug(a.Title, a.Language)):
		return s.freeSlug(ctx, made, a, language)
	}
	return s.freeSlug(ctx, a.Slug, a, language)
}

// knownFile returns the article with the id of a file, or the one that the file was before.
func (s Service) knownFile(ctx context.Context, author blog.Author, f File) (blog.Article, error) {
	if f.ID != "" {
		a, err := s.Store.Article(ctx, f.ID)
		if errors.Is(err, blog.ErrNotFound) || err == nil && (a.VoiceID != author.ID || a.Status == blog.Deleted) {
			return a, fmt.Errorf("there is no article of %s with the id %s: take the id out for a new article", author.Handle,
				f.ID)
		}
		if err != nil {
			return a, err
		}
		return a, s.checkSource(ctx, f, a, "")
	}
	if f.New {
		return blog.Article{}, blog.ErrNotFound
	}
	for _, path := range f.Paths {
		a, err := s.Store.ArticleByFile(ctx, author.ID, path)
		if errors.Is(err, blog.ErrNotFound) {
			continue
		}
		if err == nil && f.Slug != "" && f.Slug != a.Slug && a.Month != "" && !f.Force {
			err = &FileError{Reason: OtherSlug, Article: a, Slug: f.Slug, Came: path}
		}
		return a, err
	}
	return blog.Article{}, blog.ErrNotFound
}

// bySlug returns the author's article with the slug of a file, or with the slug that its title makes.
func (s Service) bySlug(ctx context.Context, author blog.Author, f File, made string) (blog.Article, error) {
	if f.Slug != "" {
		a, err := s.ownArticle(ctx, author, f.Slug)
		if err != nil {
			return a, err
		}
		return a, s.checkSource(ctx, f, a, "")
	}
	slug := made
	for n := 2; ; n++ {
		a, err := s.ownArticle(ctx, author, slug)
		// The author cannot mean an article of somebody else, so the slug with the next number is tried.
		if errors.Is(err, errOthersSlug) {
			slug = fmt.Sprintf("%s-%d", made, n)
			continue
		}
		if err != nil || f.Force {
			return a, err
		}
		known, err := s.Store.ArticleFile(ctx, a.ID, "")
		// An older version remembered the name of the file alone.
		if ignoreMissing(err) != nil || known.File != "" && known.Mark == "" && known.File == f.OldName {
			return a, ignoreMissing(err)
		}
		return a, &FileError{Reason: SameTitle, Article: a, Slug: slug, Came: known.File}
	}
}

// checkSource returns a FileError when the text of an article in a language came from another file that still exists,
// or from no file. The language of the original is "".
func (s Service) checkSource(ctx context.Context, f File, a blog.Article, language string) error {
	if f.Force {
		return nil
	}
	known, err := s.Store.ArticleFile(ctx, a.ID, language)
	switch {
	case ignoreMissing(err) != nil:
		return err
	case err == nil && (known.File == f.path() || slices.Contains(f.Paths, known.File)):
		return nil
	case err == nil && known.File != "" && known.Mark == "" && known.File == f.OldName:
		return nil
	// A file that was moved or renamed is found by its id or slug.
	case err == nil && len(f.Paths) > 0 && !f.Exists(known.File):
		return nil
	}
	return &FileError{Reason: OtherSource, Article: a, Slug: f.Slug, Came: known.File}
}

// ownArticle returns the author's draft with a slug, or the author's article that has or had this slug in public.
func (s Service) ownArticle(ctx context.Context, author blog.Author, slug string) (blog.Article, error) {
	a, err := s.Store.ArticleByTextSlug(ctx, author.ID, slug)
	if !errors.Is(err, blog.ErrNotFound) {
		return a, err
	}
	a, err = s.Store.ArticleBySlug(ctx, slug)
	switch {
	case err != nil:
		return a, err
	case a.VoiceID != author.ID || a.Status == blog.Deleted:
		return a, fmt.Errorf("the slug “%s” belongs to another article: %w", slug, errOthersSlug)
	case a.Translated:
		return a, fmt.Errorf("the slug “%s” belongs to a translation: write translation-of into the front matter", slug)
	}
	return a, nil
}

// freeSlug returns a slug for an article that is not public: wanted, or the first of wanted-2, wanted-3 … that no
// other article has or had in public, and no other draft of its owner has.
func (s Service) freeSlug(ctx context.Context, wanted string, a blog.Article, language string) (string, error) {
	slug := wanted
	for n := 2; ; n++ {
		free, err := s.Store.FreeSlug(ctx, slug, a.ID, language)
		if err != nil {
			return "", err
		}
		other, err := s.Store.ArticleByTextSlug(ctx, a.VoiceID, free)
		if errors.Is(err, blog.ErrNotFound) || err == nil && other.ID == a.ID {
			return free, nil
		}
		if err != nil {
			return "", err
		}
		slug = fmt.Sprintf("%s-%d", wanted, n)
	}
}

var numbered = regexp.MustCompile(`^-[0-9]+$`)

// madeOf reports whether a slug was made from a title that makes the slug base.
func madeOf(slug, base string) bool {
	rest, found := strings.CutPrefix(slug, base)
	return found && (rest == "" || numbered.MatchString(rest))
}

// CheckFile returns a *FileError when the original was changed since its file was read, and what the file has now would
// undo that. before is the stored article, a the article as the file has it.
func (s Service) CheckFile(ctx context.Context, f File, before, a blog.Article) error {
	if f.Force || before.ID == "" {
		return nil
	}
	known, err := s.Store.ArticleFile(ctx, before.ID, "")
	if err != nil {
		return ignoreMissing(err)
	}
	stored, err := s.articleFields(ctx, before)
	if err != nil {
		return err
	}
	given, err := s.articleFields(ctx, a)
	if err != nil {
		return err
	}
	return changed(known, before, stored, given)
}

// CheckTranslationFile is CheckFile for a translation of an article. A translation of which another file is the source
// is a *FileError too.
func (s Service) CheckTranslationFile(ctx context.Context, f File, a blog.Article, t blog.Translation) error {
	before, err := s.Store.Translation(ctx, a.ID, t.Language)
	if err != nil || f.Force {
		return ignoreMissing(err)
	}
	a.Text = before.Text
	if err := s.checkSource(ctx, f, a, t.Language); err != nil {
		return err
	}
	known, err := s.Store.ArticleFile(ctx, a.ID, t.Language)
	if err != nil {
		return ignoreMissing(err)
	}
	return changed(known, a, translationFields(before), translationFields(t))
}

func ignoreMissing(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	return err
}

// RememberFile records that a saved article was read from a file.
func (s Service) RememberFile(ctx context.Context, f File, article blog.ID) error {
	a, err := s.Store.Article(ctx, article)
	if err != nil {
		return err
	}
	fields, err := s.articleFields(ctx, a)
	if err != nil {
		return err
	}
	return s.Store.SaveArticleFile(ctx, store.ArticleFile{ArticleID: a.ID, VoiceID: a.VoiceID, File: f.path(),
		Mark: markOf(fields)})
}

// RememberTranslationFile records that a saved translation of an article was read from a file.
func (s Service) RememberTranslationFile(ctx context.Context, f File, a blog.Article, language string) error {
	t, err := s.Store.Translation(ctx, a.ID, language)
	if err != nil {
		return err
	}
	return s.Store.SaveArticleFile(ctx, store.ArticleFile{ArticleID: a.ID, Language: language, VoiceID: a.VoiceID,
		File: f.path(), Mark: markOf(translationFields(t))})
}

// field is something that a file decides, in the form in which it is compared.
type field struct{ key, value string }

// articleFields returns what a file decides of an article, by the keys of the front matter.
func (s Service) articleFields(ctx context.Context, a blog.Article) ([]field, error) {
	series, err := s.Store.SeriesOf(ctx, a)
	if err != nil {
		return nil, err
	}
	var authors, tags []string
	for _, by := range a.Authors {
		switch {
		case by.VoiceID == "":
			authors = append(authors, by.Name+" "+by.URL)
		case by.VoiceID != a.VoiceID:
			authors = append(authors, string(by.VoiceID))
		}
	}
	for _, tag := range a.Tags {
		// Tags that differ only in case are stored as one.
		if !slices.ContainsFunc(tags, func(known string) bool { return strings.EqualFold(known, tag) }) {
			tags = append(tags, tag)
		}
	}
	return append(textFields(a.Text), field{"slug", a.Slug}, field{"language", a.Language},
		field{"tags", strings.Join(tags, "\n")}, field{"series", series.Slug}, field{"part", strconv.Itoa(a.Part)},
		field{"authors", strings.Join(authors, "\n")}, field{"format", string(a.Format)},
		field{"visibility", string(a.Visibility)}, field{"comments", string(a.Comments)}, field{"quotes", a.Quotes},
		field{"warning", a.Warning}, field{"picture", string(a.PictureID)}, field{"picture-alt", a.PictureAlt},
		field{"in-reply-to", a.Answers.Address}, field{"quoting", a.Quoted.Address}), nil
}

// translationFields returns what a file decides of a translation.
func translationFields(t blog.Translation) []field {
	return append(textFields(t.Text), field{"slug", t.Slug}, field{"guest", t.Translator})
}

func textFields(t blog.Text) []field {
	return []field{{"title", t.Title}, {"subtitle", t.Subtitle}, {"summary", t.Summary},
		{"text", blog.TrimEnd(t.Markdown)}}
}

// hash returns a short hash of a field. It tells two states apart; nobody gains anything by a collision.
func (f field) hash() string {
	sum := sha256.Sum256([]byte(f.value))
	return hex.EncodeToString(sum[:6])
}

// markOf returns the hashes of fields, such as "title=5891b5b522d5 text=…".
func markOf(fields []field) string {
	marks := make([]string, len(fields))
	for i, f := range fields {
		marks[i] = f.key + "=" + f.hash()
	}
	return strings.Join(marks, " ")
}

// changed returns a FileError with the fields that are neither what the file was nor what it has now.
func changed(known store.ArticleFile, a blog.Article, stored, given []field) error {
	was := map[string]string{}
	for _, mark := range strings.Fields(known.Mark) {
		key, hash, _ := strings.Cut(mark, "=")
		was[key] = hash
	}
	var keys []string
	for i, f := range stored {
		if hash, marked := was[f.key]; marked && f.hash() != hash && f.value != given[i].value {
			keys = append(keys, f.key)
		}
	}
	if keys == nil {
		return nil
	}
	return &FileError{Reason: Changed, Article: a, Slug: a.Slug, Came: known.File, Fields: keys}
}
