package browser_test

import "net/url"

// adminPlaces are the pages that an author opens.
func (s *stage) adminPlaces() []place {
	articles, texts := "/admin/articles/", "/admin/articles/"+s.everything.ID
	shown := printed[comment](s, "comment", "list", "--json")
	return []place{
		{name: "today", path: "/admin", bar: true},
		{name: "more", path: "/admin/more"},
		{name: "articles", path: "/admin/articles"},
		{name: "drafts", path: "/admin/articles?tab=drafts"},
		{name: "scheduled", path: "/admin/articles?tab=scheduled"},
		{name: "withdrawn articles", path: "/admin/articles?tab=withdrawn"},
		{name: "new article", path: articles + "new"},
		{name: "editor of a draft", path: articles + s.draft.ID},
		{name: "editor of an article", path: texts},
		{name: "preview", path: texts + "/preview"},
		{name: "publish", path: articles + s.draft.ID + "/publish"},
		{name: "versions", path: texts + "/versions"},
		{name: "one version", path: texts + "/versions/en/1"},
		{name: "editor of a translation", path: texts + "/texts/nl"},
		{name: "editor of a new translation", path: texts + "/texts/de"},
		{name: "preview of a translation", path: texts + "/texts/nl/preview"},
		{name: "withdraw", path: texts + "/withdraw"},
		{name: "deliveries", path: articles + s.talk.ID + "/report"},
		{name: "all series", path: "/admin/series"},
		{name: "one series", path: "/admin/series/" + s.series.ID},
		{name: "comments waiting", path: "/admin/comments", bar: true},
		{name: "comments shown", path: "/admin/comments?tab=published"},
		{name: "one comment", path: "/admin/comments/" + shown[0].ID},
		{name: "mentions", path: "/admin/mentions"},
		{name: "reports", path: "/admin/reports"},
		{name: "blocks", path: "/admin/blocks"},
		{name: "block with an error", path: "/admin/blocks/new", status: 422},
		{name: "new block", path: "/admin/blocks/new?subject=quarrel.example"},
		{name: "followers", path: "/admin/followers"},
		{name: "following", path: "/admin/following"},
		{name: "interact", path: "/authorize_interaction?uri=" + url.QueryEscape(s.loud.ID)},
		{name: "network", path: "/admin/network"},
		{name: "pictures", path: "/admin/pictures"},
		{name: "profile", path: "/admin/profile"},
		{name: "identity", path: "/admin/identity"},
		{name: "account", path: "/admin/account"},
		{name: "settings", path: "/admin/settings"},
		{name: "no such page of the admin", path: "/admin/nothing", status: 404},
		{name: "no such article in the admin", path: articles + "nothing/versions", status: 404},
	}
}
