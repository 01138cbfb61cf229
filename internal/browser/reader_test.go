package browser_test

import (
	"net/url"
	"strings"
	"time"
)

// readerPlaces are the pages that readers open.
func (s *stage) readerPlaces() []place {
	last := time.Now().AddDate(0, -2, 0).Format("2006")
	month := "/" + time.Now().UTC().Format("2006/01") + "/"
	return []place{
		{name: "front", path: "/"},
		{name: "front, second page", path: "/page/2"},
		{name: "front in Dutch", path: "/nl/"},
		{name: "article with everything", path: month + "everything"},
		{name: "translation", path: month + "alles"},
		{name: "article in Arabic", path: month + "arabic"},
		{name: "article in Japanese", path: month + "japanese"},
		{name: "article in German", path: month + "german"},
		{name: "long title", path: month + "long-title"},
		{name: "words without a blank", path: month + "unbroken"},
		{name: "content warning", path: month + "warned"},
		{name: "long conversation", path: month + "talk"},
		{name: "long conversation, second page", path: month + "talk/replies/2"},
		{name: "author", path: "/@ana"},
		{name: "author without articles", path: "/@bo"},
		{name: "tag", path: "/tags/rivers"},
		{name: "tag, second page", path: "/tags/rivers/page/2"},
		{name: "series", path: "/series/" + s.series.Slug},
		{name: "archive", path: "/archive"},
		{name: "archive of a year", path: "/archive/" + last},
		{name: "about", path: "/about"},
		{name: "for other servers", path: "/about/federation"},
		{name: "privacy", path: "/privacy"},
		{name: "follow", path: "/interact?do=follow&uri=" + url.QueryEscape(s.ana)},
		{name: "reply", path: "/interact?do=reply&uri=" + url.QueryEscape(s.talk.Object)},
		{name: "withdrawn", path: month + "withdrawn", status: 410},
		{name: "no such page", path: "/2026/01/" + strings.ToLower(longWord), status: 404},
		{name: "no such tag", path: "/tags/river", status: 404},
		{name: "no such author", path: "/@nobody", status: 404},
		// Those of the admin for people who are not signed in.
		{name: "login", path: "/login"},
		{name: "login that leads on", path: "/admin/settings"},
		{name: "dead sign-in link", path: "/login/link?token=guessed", status: 404},
		{name: "dead first link", path: "/admin/first-run?token=guessed", status: 404},
	}
}
