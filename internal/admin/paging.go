package admin

import (
	"net/http"
	"net/url"
	"strconv"

	"causerie/internal/blog"
)

// tab leads to one part of a list.
type tab struct {
	Word  string
	URL   string
	Count int  // of its rows
	Here  bool // it is open
}

// listTab is one part of a list, with what finds its rows in the store.
type listTab[F any] struct {
	name    string // in the address
	word    string
	heading string // of the page; "" if the page counts its rows there
	filter  F
}

// readTabs counts the rows of each tab of the list at path, and returns the tab with the name open. If there is none,
// the error is blog.ErrNotFound.
func readTabs[F any](path, open string, list []listTab[F],
	count func(listTab[F]) (int, error)) ([]tab, listTab[F], error) {
	var tabs []tab
	var here listTab[F]
	found := false
	for _, t := range list {
		n, err := count(t)
		if err != nil {
			return nil, here, err
		}
		tabs = append(tabs, tab{Word: t.word, URL: path + "?tab=" + t.name, Count: n, Here: t.name == open})
		if t.name == open {
			here, found = t, true
		}
	}
	if !found {
		return nil, here, blog.ErrNotFound
	}
	return tabs, here, nil
}

// rowsOf is the number of rows of the open tab.
func rowsOf(tabs []tab) int {
	for _, t := range tabs {
		if t.Here {
			return t.Count
		}
	}
	return 0
}

// pager leads to the pages before and after this one. A list that is read from behind a row, not from an offset, has
// Newest instead of Newer.
type pager struct{ Newest, Newer, Older string }

// offset is the number of rows before the page that the address asks for.
func offset(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("from"))
	// The database reads every row that it skips, so a made-up offset may not be larger than any list here.
	if err != nil || n < 0 || n > 1_000_000 {
		return 0
	}
	return n
}

// paginate makes the pager of a page of size rows. Read one row more than that: it shows that another page follows, and
// is cut off here.
func paginate[T any](r *http.Request, rows []T, size int) (pager, []T) {
	var p pager
	at := func(from int) string {
		query := url.Values{}
		for _, name := range []string{"tab", "q", "host"} {
			if value := r.URL.Query().Get(name); value != "" {
				query.Set(name, value)
			}
		}
		query.Set("from", strconv.Itoa(from))
		return r.URL.Path + "?" + query.Encode()
	}
	from := offset(r)
	if from > 0 {
		p.Newer = at(max(0, from-size))
	}
	if len(rows) > size {
		p.Older, rows = at(from+size), rows[:size]
	}
	return p, rows
}
