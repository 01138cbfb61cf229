package store

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/oklog/ulid/v2"

	"causerie/internal/blog"
)

// SeedSize is how many rows Seed adds for a measurement.
type SeedSize struct {
	Articles  int // published, besides the samples
	Comments  int
	Busy      int // how many of the comments are under the newest article; 0 for a fifth
	Followers int // half of them of the first voice
	Hosts     int // servers on which the followers live; 15 of 100 are silent
	Settled   int // the most settled deliveries, of the newest articles
}

// Seed fills a blog for a measurement. It copies the sample articles, which must be published, in turn, with texts,
// tags, objects and activities. It adds followers, comments, reactions, servers and settled deliveries. The same number
// gives the same blog, but for ids and dates, which end at this moment. Nothing is sent. progress is called with the
// rows that are written and all rows. Seed commits as it goes: after an error the database has some of the rows.
func (s *Store) Seed(ctx context.Context, number uint64, size SeedSize, samples []blog.ID,
	progress func(done, all int)) error {
	if len(samples) == 0 || size.Articles < 0 || size.Comments < 0 || size.Followers < 0 || size.Hosts < 1 ||
		size.Settled < 0 {
		return fmt.Errorf("seed %+v from %d samples: not a size", size, len(samples))
	}
	f := &seeder{Store: s, size: size, progress: progress, now: time.Now().UTC().Truncate(time.Second),
		random: rand.New(rand.NewPCG(number, number))}
	f.all = size.Articles + size.Comments + size.Comments/2 + size.Followers + size.Hosts
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return f.readSamples(ctx, samples) }, f.hurry,
		f.peers, f.followers, f.articles, f.analyze, f.RelistAll, f.comments, f.reactions, f.deliveries, f.analyze,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	// Cached pages and the plans of queries are of the blog before.
	if err := s.InTx(ctx, func(tx *Store) error { tx.markChanged(); return nil }); err != nil {
		return err
	}
	if err := f.vacuum(ctx); err != nil {
		return err
	}
	return f.keepSamples(ctx)
}

// analyze renews the statistics, which a database does by itself where rows come one by one.
func (f *seeder) analyze(ctx context.Context) error { return f.run(ctx, `ANALYZE`) }

// hurry gives the rest of this process more memory than a server may use. Rows of comments and followers go to places
// all over a large file, and SQLite wrote and read each page anew for most of them. A power cut may break the new
// database.
func (f *seeder) hurry(ctx context.Context) error {
	if f.sql.postgres {
		return nil
	}
	for _, setting := range []string{`cache_size = -1000000`, `wal_autocheckpoint = 50000`, `synchronous = OFF`} {
		if err := f.run(ctx, `PRAGMA `+setting); err != nil {
			return err
		}
	}
	return nil
}

// vacuum lets PostgreSQL write the kept counts anew, without their old versions. In a blog each transaction leaves few,
// and the next one uses their room. Here a few transactions left thousands.
func (f *seeder) vacuum(ctx context.Context) error {
	if !f.sql.postgres {
		return nil
	}
	for _, k := range keptCounts {
		if err := f.run(ctx, `VACUUM FULL `+k.table); err != nil {
			return err
		}
	}
	return nil
}

// keepSamples makes the counts and samples of deliveries that the fan-outs and jobs of a running blog make.
func (f *seeder) keepSamples(ctx context.Context) error {
	err := f.run(ctx, `INSERT INTO delivery_counts (activity_id, n) SELECT activity_id, count(*) FROM deliveries
		WHERE TRUE GROUP BY activity_id ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	err = f.run(ctx, `INSERT INTO delivery_samples (article_id, stale) SELECT DISTINCT o.article_id, 2 FROM (
		SELECT activity_id FROM deliveries GROUP BY activity_id HAVING count(*) >= ?) AS many
		JOIN activities a ON a.id = many.activity_id JOIN objects o ON o.id = a.object_id WHERE TRUE ON CONFLICT DO NOTHING`,
		manyDeliveries)
	for some := true; some && err == nil; {
		some, err = f.RenewSamples(ctx, f.now)
	}
	return err
}

// seedRow is a row by its columns.
type seedRow map[string]any

// sample is a published article with the rows that belong to it, by table.
type sample struct {
	article  seedRow
	object   string
	activity string
	slugs    []string
	rows     map[string][]seedRow
}

type seeder struct {
	*Store
	size      SeedSize
	now       time.Time
	random    *rand.Rand
	progress  func(done, all int)
	done, all int

	samples []sample
	voices  []string // of the samples, each once

	added []seeded // the articles, the newest last
}

// seeded is an article that was added.
type seeded struct {
	id, activity, object, voice string
	at                          time.Time
}

const seedDomain = ".seed.example" // reserved (RFC 2606), so nothing can be sent there

func (f *seeder) host(i int) string { return "h" + strconv.Itoa(i%f.size.Hosts) + seedDomain }

func (f *seeder) silent(host int) bool { return host%20 >= 17 }

// actor returns the address of a follower; the same people write the comments.
func (f *seeder) actor(i int) string {
	return "https://" + f.host(i) + "/users/p" + strconv.Itoa(i)
}

func (f *seeder) people() int { return max(f.size.Followers, 1) }

// id returns an id that sorts by a time, as those of real rows do.
func (f *seeder) id(at time.Time) string {
	var entropy [10]byte
	for i := range entropy {
		entropy[i] = byte(f.random.Uint32())
	}
	var id ulid.ULID
	id.SetTime(ulid.Timestamp(at))
	id.SetEntropy(entropy[:])
	return id.String()
}

// add inserts rows of one table, all with the same columns.
func (f *seeder) add(ctx context.Context, tx *Store, table string, rows []seedRow) error {
	if len(rows) == 0 {
		return nil
	}
	columns := make([]string, 0, len(rows[0]))
	for name := range rows[0] {
		columns = append(columns, name)
	}
	slices.Sort(columns)
	line := "(?" + strings.Repeat(", ?", len(columns)-1) + ")"
	// SQLite takes 32,766 arguments. Few forms of the statement are used, so that they are prepared once.
	for len(rows) > 0 {
		n := 1
		for n*2 <= len(rows) && n*2*len(columns) <= 8000 && n < 256 {
			n *= 2
		}
		args := make([]any, 0, n*len(columns))
		for _, row := range rows[:n] {
			for _, name := range columns {
				args = append(args, row[name])
			}
		}
		rows = rows[n:]
		query := `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES ` + line +
			strings.Repeat(", "+line, n-1)
		if err := tx.run(ctx, query, args...); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
	}
	return nil
}

// inTurn adds n things in transactions of some thousand. make appends the rows of the i-th one to those of their
// tables; tables is the order in which they are written.
func (f *seeder) inTurn(ctx context.Context, n int, tables []string,
	make func(i int, rows map[string][]seedRow)) error {
	const group = 5000
	for first := 0; first < n; first += group {
		last := min(first+group, n)
		rows := map[string][]seedRow{}
		for i := first; i < last; i++ {
			make(i, rows)
		}
		err := f.InTx(ctx, func(tx *Store) error {
			for _, table := range tables {
				if err := f.add(ctx, tx, table, rows[table]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		f.done += last - first
		f.progress(min(f.done, f.all), f.all)
	}
	return nil
}

// rowsOf reads whole rows, whatever their columns.
func (f *seeder) rowsOf(ctx context.Context, query string, args ...any) ([]seedRow, error) {
	rows, err := f.read.QueryxContext(ctx, f.sql.bind(query), args...)
	if err != nil {
		return nil, f.translateError(ctx, err)
	}
	defer rows.Close()
	var list []seedRow
	for rows.Next() {
		row := seedRow{}
		if err := sqlx.MapScan(rows, row); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

func (f *seeder) readSamples(ctx context.Context, ids []blog.ID) error {
	for _, id := range ids {
		articles, err := f.rowsOf(ctx, `SELECT * FROM articles WHERE id = ? AND status = 'published'`, string(id))
		if err != nil {
			return err
		}
		if len(articles) == 0 {
			return fmt.Errorf("article %s is not published: %w", id, blog.ErrNotFound)
		}
		p := sample{article: articles[0], object: text(articles[0]["object_id"]), rows: map[string][]seedRow{}}
		for table, query := range map[string]string{
			"article_texts": `SELECT * FROM article_texts WHERE article_id = ? AND draft = FALSE`,
			"article_bodies": `SELECT d.* FROM article_bodies d JOIN article_texts t ON t.article_id = d.article_id
				AND t.language = d.language WHERE d.article_id = ? AND t.draft = FALSE`,
			"revisions":       `SELECT * FROM revisions WHERE article_id = ?`,
			"article_authors": `SELECT * FROM article_authors WHERE article_id = ?`,
			"article_tags":    `SELECT * FROM article_tags WHERE article_id = ?`,
			"slugs":           `SELECT * FROM slugs WHERE article_id = ? AND is_current`,
			"objects":         `SELECT * FROM objects WHERE article_id = ? AND comment_id = '' AND gone_at IS NULL`,
			"activities": `SELECT * FROM activities WHERE object_id = (SELECT object_id FROM articles WHERE id = ?)
				AND kind = 'Create'`,
		} {
			if p.rows[table], err = f.rowsOf(ctx, query, string(id)); err != nil {
				return err
			}
			for _, row := range p.rows[table] {
				if payload, has := row["payload"]; has {
					var sent packed
					if err := sent.Scan(payload); err != nil {
						return err
					}
					row["payload"] = sent
				}
			}
		}
		for _, row := range p.rows["activities"] {
			p.activity = text(row["id"])
		}
		for _, row := range p.rows["slugs"] {
			p.slugs = append(p.slugs, text(row["slug"]))
		}
		f.samples = append(f.samples, p)
		if voice := text(p.article["voice_id"]); !slices.Contains(f.voices, voice) {
			f.voices = append(f.voices, voice)
		}
	}
	return nil
}

// text is a column that one driver gives as a string and the other may give as bytes.
func text(value any) string {
	if bytes, ok := value.([]byte); ok {
		return string(bytes)
	}
	s, _ := value.(string)
	return s
}

func (f *seeder) peers(ctx context.Context) error {
	month := f.now.AddDate(0, -1, 0)
	return f.inTurn(ctx, f.size.Hosts, []string{"peers", "domain_parents"}, func(i int, rows map[string][]seedRow) {
		for _, parent := range withParents(f.host(i)) {
			rows["domain_parents"] = append(rows["domain_parents"], seedRow{"parent": parent, "domain": f.host(i)})
		}
		row := seedRow{"host": f.host(i), "free_at": f.now, "last_success": f.now, "software": "mastodon 4.6.0",
			"failures": 0, "failing_days": 0, "failing_since": nil, "unavailable_since": nil}
		if f.silent(i) {
			// Each fell silent at its own moment: queries must not take every server for a group of its own.
			since := month.Add(time.Duration(i) * time.Second)
			row["last_success"], row["failing_since"] = since, since
			row["failures"], row["failing_days"], row["unavailable_since"] = 12, 7, since.AddDate(0, 0, 7)
		}
		rows["peers"] = append(rows["peers"], row)
	})
}

func (f *seeder) followers(ctx context.Context) error {
	welcomed := map[string]bool{}
	return f.inTurn(ctx, f.people(), []string{"actors", "followers", "welcomes"}, func(i int, rows map[string][]seedRow) {
		id, host := f.actor(i), f.host(i)
		since := f.now.Add(-time.Duration(f.people()-i) * time.Minute)
		rows["actors"] = append(rows["actors"], seedRow{"id": id, "type": "Person", "handle": "p" + strconv.Itoa(i) + "@" +
			host, "name": "Reader " + strconv.Itoa(i), "url": "https://" + host + "/@p" + strconv.Itoa(i), "host": host,
			"domain": host, "inbox": id + "/inbox", "shared_inbox": "https://" + host + "/inbox",
			"mailbox": "https://" + host + "/inbox", "mail_host": host, "fetched_at": f.now,
			"refresh_at": f.now.AddDate(1, 0, 0)})
		if i >= f.size.Followers {
			return
		}
		voice := f.voices[0]
		if i%2 == 1 {
			voice = f.voices[i/2%len(f.voices)]
		}
		rows["followers"] = append(rows["followers"], seedRow{"voice_id": voice, "actor_id": id,
			"follow_id": "https://" + host + "/follows/" + strconv.Itoa(i), "state": "accepted", "since": since})
		if key := voice + " " + host; !welcomed[key] {
			welcomed[key] = true
			rows["welcomes"] = append(rows["welcomes"], seedRow{"voice_id": voice, "host": host, "at": since})
		}
	})
}

func (f *seeder) articles(ctx context.Context) error {
	// Twenty years of a busy blog at most, so that archives have many months.
	gap := min(24*time.Hour, 20*365*24*time.Hour/time.Duration(max(f.size.Articles, 1)))
	tables := []string{"articles", "article_texts", "article_bodies", "revisions", "article_authors", "article_tags",
		"slugs", "objects", "activities"}
	return f.inTurn(ctx, f.size.Articles, tables, func(i int, rows map[string][]seedRow) {
		// The oldest first: rows lie on the disk as those of a blog that grew.
		at := f.now.Add(-gap*time.Duration(f.size.Articles-i) - time.Minute)
		f.added = append(f.added, f.copySample(f.samples[i%len(f.samples)], "-"+strconv.Itoa(i), at, rows))
	})
}

// copySample adds the rows of one more article. Its addresses end with a mark of its own.
func (f *seeder) copySample(p sample, mark string, at time.Time, rows map[string][]seedRow) seeded {
	made := seeded{id: f.id(at), object: f.id(at), activity: f.id(at), voice: text(p.article["voice_id"]), at: at}
	month, old := at.Format("2006/01"), text(p.article["month"])
	replace := []string{p.object, made.object, p.activity, made.activity}
	for _, slug := range p.slugs {
		replace = append(replace, old+"/"+slug, month+"/"+slug+mark)
	}
	names := strings.NewReplacer(replace...)
	renamed := func(payload any) packed { return packed(names.Replace(string(payload.(packed)))) }
	for table, list := range p.rows {
		for _, row := range list {
			row = copyRow(row)
			if _, has := row["article_id"]; has {
				row["article_id"] = made.id
			}
			switch table {
			case "article_texts":
				row["slug"], row["title"] = text(row["slug"])+mark, text(row["title"])+" "+mark[1:]
			case "slugs":
				row["slug"] = text(row["slug"]) + mark
			case "objects":
				row["id"], row["at"], row["payload"] = made.object, at, renamed(row["payload"])
			case "activities":
				row["id"], row["at"], row["object_id"] = made.activity, at, made.object
				row["payload"] = renamed(row["payload"])
			case "revisions":
				row["at"] = at
			}
			rows[table] = append(rows[table], row)
		}
	}
	if p.activity == "" {
		made.activity = ""
	}
	article := copyRow(p.article)
	article["id"], article["object_id"], article["month"] = made.id, made.object, month
	article["published_at"], article["created_at"], article["saved_at"], article["updated_at"] = at, at, at, nil
	article["series_id"], article["part"] = "", 0 // a series of thousands of parts is no measurement of a blog
	rows["articles"] = append(rows["articles"], article)
	return made
}

func copyRow(row seedRow) seedRow {
	other := make(seedRow, len(row))
	for name, value := range row {
		other[name] = value
	}
	return other
}

// commented picks the article of a comment: often the newest, else any.
func (f *seeder) commented() seeded {
	if busy := cmp.Or(f.size.Busy, f.size.Comments/5); f.random.IntN(max(f.size.Comments, 1)) < busy {
		return f.added[len(f.added)-1]
	}
	return f.added[f.random.IntN(len(f.added))]
}

var seedWords = strings.Fields("the ferry comes when you ring and nobody asks where you are going because the river " +
	"is four minutes wide on a calm day while the low road behind the dike is longer but has better apples")

func (f *seeder) sentence(words int) string {
	var b strings.Builder
	for range words {
		b.WriteString(seedWords[f.random.IntN(len(seedWords))])
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String()) + "."
}

func (f *seeder) comments(ctx context.Context) error {
	if len(f.added) == 0 {
		return nil
	}
	threads := map[string][]string{} // a few recent comments of each article, which later ones answer
	roots := map[string]string{}     // of the replies to comments
	return f.inTurn(ctx, f.size.Comments, []string{"comments"}, func(i int, rows map[string][]seedRow) {
		article := f.commented()
		// Between the article's day and now, in the order in which they are made.
		age := f.now.Sub(article.at)
		at := article.at.Add(time.Duration(float64(age) * float64(i+1) / float64(f.size.Comments+1)))
		id, words := f.id(at), f.sentence(20+f.random.IntN(60))
		person := f.random.IntN(f.people())
		parent, state, kind, visibility := "", "shown", "", "public"
		if thread := threads[article.id]; len(thread) > 0 && f.random.IntN(5) < 2 {
			parent = thread[f.random.IntN(len(thread))]
		}
		root := roots[parent]
		if root == "" {
			root = parent
		}
		switch i % 40 {
		case 7, 27:
			kind, parent, root = "mention", "", ""
		case 13, 33:
			state = "waiting"
		case 19:
			state = "hidden"
		case 31:
			visibility = "restricted"
		}
		if root != "" {
			roots[id] = root
		}
		if state == "shown" && visibility == "public" && kind == "" {
			if thread := append(threads[article.id], id); len(thread) > 8 {
				threads[article.id] = thread[1:]
			} else {
				threads[article.id] = thread
			}
		}
		address := "https://" + f.host(person) + "/notes/" + id
		rows["comments"] = append(rows["comments"], seedRow{"id": id, "address": address, "kind": kind,
			"article_id": article.id, "owner_id": article.voice, "parent_id": parent, "root_id": root,
			"actor_id": f.actor(person), "origin": "pushed",
			"visibility": visibility, "state": state, "html": "<p>" + words + "</p>", "plain": words, "language": "en",
			"url": address, "published_at": at, "sorted_at": at, "arrived_at": at})
	})
}

func (f *seeder) reactions(ctx context.Context) error {
	if len(f.added) == 0 {
		return nil
	}
	given := map[string]bool{} // one of a kind for each person and article
	return f.inTurn(ctx, f.size.Comments/2, []string{"reactions"}, func(i int, rows map[string][]seedRow) {
		article, person := f.commented(), f.actor(f.random.IntN(f.people()))
		kind := "like"
		if i%3 == 0 {
			kind = "boost"
		}
		key := kind + article.id + person
		if given[key] {
			return
		}
		given[key] = true
		id := f.id(f.now)
		rows["reactions"] = append(rows["reactions"], seedRow{"id": id, "address": person + "/acts/" + id, "kind": kind,
			"actor_id": person, "article_id": article.id, "at": f.now})
	})
}

// deliveries adds, for the newest articles, what became of one delivery to each server.
func (f *seeder) deliveries(ctx context.Context) error {
	articles := f.added[max(0, len(f.added)-f.size.Settled/f.size.Hosts):]
	// A sample that was never sent has no activity.
	articles = slices.DeleteFunc(slices.Clone(articles), func(a seeded) bool { return a.activity == "" })
	n := len(articles) * f.size.Hosts
	f.all += n
	return f.inTurn(ctx, n, []string{"deliveries"}, func(i int, rows map[string][]seedRow) {
		article, to := articles[i/f.size.Hosts], i%f.size.Hosts
		at := article.at.Add(time.Second)
		row := seedRow{"activity_id": article.activity, "inbox": "https://" + f.host(to) + "/inbox", "host": f.host(to),
			"attempts": 1, "status": "delivered", "code": 202, "answer": "", "took_ms": 40 + to%400, "revision": 1,
			"settled_at": at}
		switch {
		case f.silent(to):
			row["status"], row["code"], row["attempts"] = "given up", 0, 12
		case to%50 == 0:
			row["status"], row["code"], row["answer"] = "refused", 403, "Forbidden"
		}
		rows["deliveries"] = append(rows["deliveries"], row)
	})
}
