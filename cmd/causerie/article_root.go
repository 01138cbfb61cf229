package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/unicode/norm"

	"causerie/internal/authoring"
	"causerie/internal/markup"
)

// rootMark is an empty file in the folder below which articles are known by their paths.
const rootMark = ".causerie-root"

// source returns how the file is known. Its path below the root is the same on every machine. Without a root it is
// known by its whole path.
func (f articleFileFlags) source(front markup.FrontMatter) (authoring.File, error) {
	known := authoring.File{Slug: front.Slug, ID: front.ID, New: f.New, Force: f.Force}
	if f.File == "-" {
		return known, nil
	}
	path, err := wholePath(f.File)
	if err != nil {
		return known, err
	}
	root, err := f.root(path)
	if err != nil {
		return known, err
	}
	known.OldName = oldName(path)
	known.Paths = []string{fileKey(path)}
	if root != "" {
		below, err := filepath.Rel(root, path)
		if err != nil || !filepath.IsLocal(below) {
			return known, usageError{fmt.Errorf("%s is not below %s: name a folder above it with --root", f.File, f.Root)}
		}
		// It may have been published before the root was named.
		known.Paths = []string{fileKey(below), fileKey(path)}
	}
	known.Exists = func(file string) bool {
		if !filepath.IsAbs(file) && root == "" {
			return file != "" // its root is not known, so it cannot be said to be gone
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(root, file)
		}
		_, err := os.Stat(filepath.FromSlash(file))
		return err == nil
	}
	return known, nil
}

// root returns the folder below which articles are known by their paths; "" if there is none.
func (f articleFileFlags) root(path string) (string, error) {
	if f.Root != "" {
		info, err := os.Stat(f.Root)
		if err != nil || !info.IsDir() {
			return "", usageError{fmt.Errorf("there is no folder %s: name the folder of the articles with --root", f.Root)}
		}
		return filepath.EvalSymlinks(absolute(f.Root))
	}
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, rootMark)); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", nil
		}
	}
}

// wholePath returns the absolute path of a file, with the symbolic links to its folder resolved.
func wholePath(name string) (string, error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(absolute(name)))
	if err != nil {
		return "", fmt.Errorf("the file cannot be read: %w", err)
	}
	return filepath.Join(folder, filepath.Base(absolute(name))), nil
}

// absolute returns the absolute path of a file. Where the working directory is gone, that is the path itself.
func absolute(name string) string {
	if path, err := filepath.Abs(name); err == nil {
		return path
	}
	return name
}

// maxFileKey limits the path by which a file is known, in bytes. PostgreSQL limits what an index can hold.
const maxFileKey = 1000

// fileKey returns a path as it is stored. File systems differ in how they write letters.
func fileKey(path string) string {
	path = norm.NFC.String(strings.ToValidUTF8(filepath.ToSlash(path), "\uFFFD"))
	return strings.ToValidUTF8(path[max(0, len(path)-maxFileKey):], "")
}

// oldName returns the name under which older versions remembered a file: its name alone, and for index.md its folder.
func oldName(path string) string {
	name := filepath.Base(path)
	if strings.TrimSuffix(name, filepath.Ext(name)) == "index" {
		name = filepath.Base(filepath.Dir(path)) + "/" + name
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// explainFile returns a FileError as a sentence that says what to do. Other errors stay as they are.
func explainFile(err error) error {
	var trouble *authoring.FileError
	if !errors.As(err, &trouble) {
		return err
	}
	which := fmt.Sprintf("the article “%s”, which came from %s", trouble.Article.Title, trouble.Came)
	if trouble.Came == "" {
		which = fmt.Sprintf("the article “%s”, which came from no file", trouble.Article.Title)
	}
	switch trouble.Reason {
	case authoring.SameTitle:
		return fmt.Errorf("the title makes the slug “%s”, which belongs to %s: write “id: %s” into the front "+
			"matter to revise that one, or add --new for a new article", trouble.Slug, which, trouble.Article.ID)
	case authoring.OtherSlug:
		return fmt.Errorf("this file made the article “%s” with the slug “%s”, and has the slug “%s” "+
			"now: add --new for a new article, or --force to change the address of that one",
			trouble.Article.Title, trouble.Article.Slug, trouble.Slug)
	case authoring.Changed:
		return fmt.Errorf("“%s” was changed elsewhere since this file was read (%s): take the change over into "+
			"the file, or overwrite it with --force", trouble.Article.Title, strings.Join(trouble.Fields, ", "))
	}
	key := "id"
	if trouble.Slug != "" {
		key = fmt.Sprintf("slug “%s”", trouble.Slug)
	}
	return fmt.Errorf("the %s belongs to %s: write another slug into the front matter, or replace that article with "+
		"--force", key, which)
}
