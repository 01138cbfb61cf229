package admin_test

import (
	"testing"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// Each form reads the fields that it has. Whoever adds others, as the names of columns and members, changes nothing
// with them.
func TestT200AFieldTooManyHasNoEffect(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse, tobias := o.author("ilse", "Ilse Verhaagen", blog.Admin), o.author("tobias", "Tobias Renkema", blog.Writer)
		b := o.signIn("tobias")
		smuggled := []any{"role", "admin", "Role", "admin", "author.role", "admin", "id", string(ilse.ID), "ID",
			string(ilse.ID), "voice", string(ilse.ID), "voice_id", string(ilse.ID), "VoiceID", string(ilse.ID),
			"status", "published",
			"Status", "published", "published_at", "2020-01-01T00:00", "disabled", "1", "trusted", "1", "admin", "true",
			"public_key", "none", "object_id", "x"}
		send := func(path, button string, pairs ...any) {
			t.Helper()
			form, pressed := b.open(path).button(button)
			typed := map[string]string{}
			for i := 0; i < len(pairs); i += 2 {
				typed[pairs[i].(string)] = pairs[i+1].(string)
			}
			values := b.collect(form, pressed, typed)
			for i := 0; i < len(smuggled); i += 2 {
				values.Add(smuggled[i].(string), smuggled[i+1].(string))
			}
			if b.send(form, values, nil); b.status >= 400 {
				t.Errorf("%s at %s: %d", button, path, b.status)
			}
		}
		send("/admin/profile", "Save", "name", "Tobias R.")
		send("/admin/account", "Save", "hold", "60")
		send("/admin/articles/new", "Save", "title", "High water", "text", "The water is high.")

		for _, before := range []blog.Author{ilse, tobias} {
			after, err := o.store.Author(t.Context(), before.ID)
			if err != nil {
				t.Fatal(err)
			}
			if after.Role != before.Role || after.PublicKey != before.PublicKey || after.Handle != before.Handle ||
				after.DisabledAt != nil {
				t.Errorf("%s became %+v", before.Handle, after)
			}
		}
		if after, err := o.store.Author(t.Context(), tobias.ID); err != nil || after.Name != "Tobias R." ||
			after.HoldSeconds != 60 {
			t.Errorf("what the forms have was not saved: %+v, %v", after, err)
		}
		list, err := o.store.Articles(t.Context(), store.ArticleFilter{Voice: tobias.ID, Limit: 9})
		if err != nil || len(list) != 1 || list[0].VoiceID != tobias.ID || list[0].Status != blog.Draft ||
			list[0].PublishedAt != nil {
			t.Errorf("the articles are %+v, %v", list, err)
		}
		b.open("/admin/blocks").want(403, "/admin/blocks")
	})
}
