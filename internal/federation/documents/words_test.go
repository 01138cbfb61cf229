package documents_test

import (
	"fmt"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

// names lists the names of hashtags, with the end of the address of each.
func names(tags any) string {
	var list []string
	for _, tag := range tags.([]any) {
		tag := tag.(map[string]any)
		href := tag["href"].(string)
		list = append(list, fmt.Sprint(tag["name"], " ", href[strings.LastIndex(href, "/"):]))
	}
	return strings.Join(list, ", ")
}

func TestF144ATagIsAHashtagThatOthersAcceptOrIsLeftOut(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for i, try := range []struct {
			tags blog.Strings
			want string
		}{
			{blog.Strings{"2026", "C++", "low road"}, "#LowRoad /low%20road"},
			{blog.Strings{"C++", "C#", "c"}, "#c /c"},
			{blog.Strings{"low road", "LowRoad", "low-road", "Lowroad"}, "#LowRoad /low%20road"},
			{blog.Strings{"2026-11", "½", "m²", "_", "+", "🚣"}, ""},
			{blog.Strings{".net", "C++ tips", "100%", "@home", "what?"}, ""},
			{blog.Strings{"3d", "node.js", "l'eau", "köln", "渡し"}, "#3d /3d, #NodeJs /node.js, #LEau /l%27eau, " +
				"#köln /k%C3%B6ln, #渡し /%E6%B8%A1%E3%81%97"},
		} {
			for f, format := range []blog.Format{blog.FullArticle, blog.FullNote} {
				voice := o.AddAuthor(fmt.Sprintf("author_%d_%d", i, f), "Author")
				a := o.Publish(func(a *blog.Article) {
					a.VoiceID, a.Slug, a.Tags, a.Format = voice.ID, fmt.Sprintf("tags-%d-%d", i, f), try.tags, format
				})
				_, doc := o.JSON(o.Object(a))
				if got := names(doc["tag"]); !sameNames(got, try.want) {
					t.Errorf("%q as %s: %s, want %s", try.tags, format, got, try.want)
				}
				if _, doc = o.JSON(o.Site.ActorID(voice.ID) + "/tags"); len(doc["items"].([]any)) != strings.Count(try.want, "#") {
					t.Errorf("featured of %q: %v", try.tags, doc["items"])
				}
			}
		}
	})
}

// sameNames compares two lists of names; how a path writes an apostrophe is no matter here.
func sameNames(a, b string) bool {
	return strings.ReplaceAll(a, "%27", "'") == strings.ReplaceAll(b, "%27", "'")
}

func TestF145ASummaryOfOneParagraphHasNoTags(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for i, try := range []struct{ summary, want string }{
			{"Boats & tides", "Boats &amp; tides"},
			{" Boats\n& tides \n", "Boats &amp; tides"},
			{"Of <b> & co", "Of &lt;b&gt; &amp; co"},
			{"One.\n\nTwo.", "<p>One.</p><p>Two.</p>"},
		} {
			a := o.Publish(func(a *blog.Article) { a.Slug, a.Summary = fmt.Sprint("sum", i), try.summary })
			_, doc := o.JSON(o.Object(a))
			if doc["summary"] != try.want || doc["summaryMap"].(map[string]any)["en"] != try.want {
				t.Errorf("%q: %v, %v", try.summary, doc["summary"], doc["summaryMap"])
			}
		}
	})
}
