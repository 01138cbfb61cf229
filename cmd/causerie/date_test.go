package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/store/storetest"
)

func TestT263ADateOfAnotherProgramIsTheSameMoment(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := openAt(t, database, freePort(t), "--timezone", "Europe/Amsterdam")
		s.ilse()
		for i, test := range []struct{ written, want string }{
			{"2015-04-12 22:17:16 +0200", "2015-04-12T20:17:16Z"}, {"2014-05-06T07:08", "2014-05-06T05:08:00Z"},
			{"2013-05-06 07:08:09", "2013-05-06T05:08:09Z"}, {"2012-05-06T07:08:09.5+0000", "2012-05-06T07:08:09Z"},
			{"2011-05-06 07:08:09 UTC", "2011-05-06T07:08:09Z"}, {"2010-05-06 07:08 -05:00", "2010-05-06T12:08:00Z"},
		} {
			name := fmt.Sprint("moment-", i)
			out := s.cli("article", "publish", "--json", write(t, name+".md",
				"---\ntitle: "+name+"\ndate: "+test.written+"\n---\n\nWords.\n"))
			_, body := s.get(read[articleLine](t, out)[0].Object, mastodon)
			if !strings.Contains(body, `"published":"`+test.want+`"`) {
				t.Errorf("%s is published as %s", test.written, body)
			}
		}
		s.refuses(failed, "must be a date", "article", "publish",
			write(t, "x.md", "---\ntitle: X\ndate: 2012-05-06 07:08 CET\n---\nWords."))
	})
}

func TestT249APastDateIsTheDateOfTheArticle(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := openAt(t, database, freePort(t), "--timezone", "Europe/Amsterdam")
		veerhuis, bram := s.veerhuis()
		s.ilse(bram)
		sent := 0
		yesterday := time.Now().Add(-24 * time.Hour).UTC().Truncate(time.Second)
		for _, test := range []struct {
			name, front string
			args        []string
			month, date string // of the address, and as published
			updated     string
			sent        bool
		}{
			{"old", "date: 2019-03-04 12:00\nupdated: 2020-05-06 12:00", nil, "/2019/03/old", "2019-03-04T11:00:00Z",
				"2020-05-06T10:00:00Z", false},
			{"asked", "date: 2018-12-31 23:30", []string{"--federate"}, "/2018/12/asked", "2018-12-31T22:30:00Z", "", true},
			{"day", "date: 2017-02-03", nil, "/2017/02/day", "2017-02-02T23:00:00Z", "", false},
			{"held", "date: 2016-02-03", []string{"--hold", "1h"}, "/2016/02/held", "2016-02-02T23:00:00Z", "", false},
			{"yesterday", "date: " + yesterday.Format(time.RFC3339), nil, "/yesterday",
				yesterday.Format(time.RFC3339), "", true},
		} {
			file := write(t, test.name+".md", "---\ntitle: "+test.name+"\n"+test.front+"\n---\n\nWords.\n")
			out, notices, status := cli(s.ctx, s.args(append([]string{"article", "publish", file, "--json"}, test.args...)...),
				nil, "")
			if status != done {
				t.Fatalf("%s: %d, %s", test.name, status, notices)
			}
			a := read[articleLine](t, out)[0]
			if !strings.HasSuffix(a.URL, test.month) {
				t.Errorf("%s is at %s", test.name, a.URL)
			}
			if told := strings.Contains(notices, "--federate"); told == test.sent {
				t.Errorf("%s: publish said %q", test.name, notices)
			}
			_, body := s.get(a.Object, mastodon)
			var object struct{ Published, Updated string }
			if err := json.Unmarshal([]byte(body), &object); err != nil || object.Published != test.date ||
				object.Updated != test.updated {
				t.Errorf("%s is published %s, updated %s on the wire: %v", test.name, object.Published, object.Updated, err)
			}
			if _, page := s.get(a.URL, "text/html"); !strings.Contains(page, `article:published_time" content="`+test.date[:4]) {
				t.Errorf("the page of %s has no such date", test.name)
			}
			s.wait("the feed has its date", func() bool {
				_, feed := s.get(s.url+"/feed.xml", "*/*")
				return strings.Contains(feed, "<published>"+test.date+"<")
			})
			if again := s.cli("article", "publish", file); !strings.HasPrefix(again, "nothing changed") {
				t.Errorf("%s again: %s", test.name, again)
			}
			if test.sent {
				sent++
				s.wait(test.name+" is sent", func() bool { return len(veerhuis.Received("Create")) == sent })
			}
		}
		s.refuses(failed, "--federate is for an article with an earlier date", "article", "publish",
			write(t, "x.md", "---\ntitle: X\n---\nWords."), "--federate")
		s.refuses(failed, "updated is before date", "article", "publish",
			write(t, "x.md", "---\ntitle: X\ndate: 2020-01-02\nupdated: 2020-01-01\n---\nWords."))
		s.refuses(failed, "updated is still to come", "article", "publish",
			write(t, "x.md", "---\ntitle: X\nupdated: 2099-01-01\n---\nWords."))
	})
}
