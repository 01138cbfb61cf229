package admin_test

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/templates"
)

// oddLine is a text as somebody may paste it into a field, with letters in decomposed form. written is what is stored.
const (
	oddLine     = " Cafe\u0301\r\n\vferry\x07\x00 \u2028wide\xff "
	writtenLine = "Café ferry wide\uFFFD"
	oddText     = "Cafe\u0301\r\rferry\x07\x00\u2028wide\xff"
	writtenText = "Café\n\nferry\nwide\uFFFD"
)

// typedFields are the fields of the admin in which something is typed. All go through one reader of forms, which the
// test below shows on those of articles, voices and the blog. A new field is written down here: does it take one line,
// a text, or something that has a form of its own?
var typedFields = map[string]string{
	"title": "line", "subtitle": "line", "summary": "line", "tags": "line", "series": "line", "warning": "line",
	"picture-alt": "line", "upload-alt": "line", "alt": "line", "name": "line", "field-name-{{.N}}": "line",
	"field-value-{{.N}}": "line", "translator": "line", "blog": "line", "slug": "line",
	"text": "text", "byline": "text", "bio": "text", "description": "text", "note": "text", "reason": "text",
	"report": "text", "list": "text",
	"new": "password", "old": "password", "pass": "password", "password": "password",
	"alias": "handle", "handle": "handle", "leave-handle": "handle", "move-handle": "handle", "to": "handle",
	"user": "handle", "email": "handle", "subject": "handle", "q": "search", "uri": "address", "in-reply-to": "address",
	"quoting": "address", "date": "choice", "hold": "choice", "into": "choice", "language": "choice", "part": "choice",
	"planned": "choice", "zone": "choice", "hero": "file", "portrait": "file", "upload": "file",
	"kept.{{.Name}}": "text", "{{.Name}}": "text",
}

var typedField = regexp.MustCompile(`<(?:input|textarea)[^>]* name="([^"]*)"[^>]*>`)

func TestT246EveryTypedFieldIsKnown(t *testing.T) {
	found := map[string]bool{}
	for _, folder := range []string{"admin/*.html", "layout/*.html"} {
		files, err := fs.Glob(templates.FS, folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := templates.FS.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range typedField.FindAllStringSubmatch(string(text), -1) {
				hidden := slices.ContainsFunc([]string{"hidden", "checkbox", "radio", "submit"}, func(kind string) bool {
					return strings.Contains(field[0], `type="`+kind+`"`)
				})
				if !hidden {
					found[field[1]] = true
				}
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(typedFields)), slices.Sorted(maps.Keys(found))); diff != "" {
		t.Errorf("fields (-known +found)\n%s", diff)
	}
}

func TestT246TextsOfTheAdminAreStoredInTheirWrittenForm(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		b.open("/admin/articles/new").want(200, "/admin/articles/new")
		b.press("Save", "title", oddLine, "subtitle", oddLine, "summary", oddLine, "tags", oddLine+", b", "text", oddText,
			"slug", "u\u0308ber", "series", oddLine, "part", "1", "byline", oddLine, "warning", oddLine, "format", "note-full")
		a := o.only()
		got := []string{a.Title, a.Subtitle, a.Summary, a.Tags[0], a.SeriesTitle, a.Warning, a.Markdown, a.Slug}
		want := []string{writtenLine, writtenLine, writtenLine, writtenLine, writtenLine, writtenLine, writtenText, "über"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the article (-want +got)\n%s", diff)
		}
		b.open("/admin/profile").press("Save", "name", oddLine, "bio", oddText,
			"field-name-0", oddLine, "field-value-0", oddLine)
		voice, err := o.store.VoiceByHandle(t.Context(), "ilse")
		if err != nil || voice.Name != writtenLine || voice.Summary != writtenText || len(voice.Fields) != 1 ||
			voice.Fields[0] != (blog.Field{Name: writtenLine, Value: writtenLine}) {
			t.Errorf("the profile is %+v: %v", voice, err)
		}
		b.open("/admin/settings").press("Save", "name", oddLine, "description", oddText)
		site, err := o.store.Site(t.Context())
		if err != nil || site.Name != writtenLine || site.Description != writtenText {
			t.Errorf("the blog is %q, %q: %v", site.Name, site.Description, err)
		}
		b.open("/admin/pictures").press("Add", file{"upload", "Cafe\u0301 au lait.png", drawing(8, 8, 5)}, "alt", oddLine)
		p, err := o.store.PictureByName(t.Context(), a.VoiceID, "Café-au-lait.png", "")
		if err != nil || p.Alt != writtenLine {
			t.Errorf("the picture is %+v: %v", p, err)
		}
	})
}

func TestT246APasswordIsTheSameInEitherUnicodeForm(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		for _, test := range []struct{ set, typed string }{
			{"cafe\u0301 by the river", "café by the river"},
			{"café by the bridge", "cafe\u0301 by the bridge"},
			{"vier\u00a0woorden bij de rivier", "vier woorden bij de rivier"},
			{"Ω by the long river", "\u2126 by the long river"},
		} {
			old := password
			if b.open("/admin/account"); strings.Contains(b.source, `name="old"`) {
				b.press("Change the password", "old", old, "new", test.set)
			}
			other := o.browser().open("/login")
			other.press("Sign in", "user", "ilse", "pass", test.typed)
			other.want(200, "/admin")
			other.open("/admin/account").press("Change the password", "old", test.typed, "new", password)
			b = other
		}
	})
}
