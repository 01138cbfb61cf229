package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
)

// DeliveryGroup is the servers that have the same history of deliveries about an article.
type DeliveryGroup struct {
	Rows    []blog.DeliveryRow // of the server that is silent longest, or else of the first one
	Servers int
	Hosts   []string // of the servers, at most 100
	Inboxes []string // of these servers, where the groups are kept; nil otherwise
}

const (
	mostHosts      = 100 // in a group
	manyDeliveries = 200 // of one activity: above, the groups of its article are kept
)

// SampleOf returns the rows of groups, the newest activity first, as blog.ServerStates wants them.
func SampleOf(groups []DeliveryGroup) []blog.DeliveryRow {
	var sample []blog.DeliveryRow
	for _, g := range groups {
		for _, row := range g.Rows {
			row.Alike = g.Servers - 1
			sample = append(sample, row)
		}
	}
	slices.SortStableFunc(sample, func(a, b blog.DeliveryRow) int {
		return cmp.Or(-cmp.Compare(a.ActivityID, b.ActivityID), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Inbox, b.Inbox))
	})
	return sample
}

// ListedDeliveries returns what a list of an article's servers shows: a sample of all, as of SampleOf, and the rows of
// at most a number of servers. Those that need attention come first.
func (s *Store) ListedDeliveries(ctx context.Context, article blog.ID, most int) (sample, listed []blog.DeliveryRow,
	err error) {
	all, err := s.DeliveryGroups(ctx, []blog.ID{article})
	if err != nil {
		return nil, nil, err
	}
	groups := all[article]
	sample = SampleOf(groups)
	states, n := blog.ServerStates(sample), 0
	for _, state := range states {
		n += 1 + state.Alike
	}
	if n <= most {
		// All rows are here, and they are newer than the sample may be.
		listed, err = s.DeliveryRows(ctx, article)
		return listed, listed, err
	}
	var hosts, inboxes []string
	for _, state := range states {
		for _, g := range groups {
			if g.Hosts[0] == state.Host && len(hosts) < most {
				few := g.Hosts[:min(len(g.Hosts), most-len(hosts))]
				hosts = append(hosts, few...)
				for _, inbox := range g.Inboxes {
					if slices.Contains(few, blog.HostOf(inbox)) {
						inboxes = append(inboxes, inbox)
					}
				}
			}
		}
	}
	// By inbox where they are known: deliveries have no index by host, and the article may have thousands.
	if len(inboxes) > 0 {
		listed, err = s.deliveryRows(ctx, article, ` AND d.inbox IN (?)`, inboxes)
	} else {
		listed, err = s.deliveryRows(ctx, article, ` AND d.host IN (?)`, hosts)
	}
	return sample, listed, err
}

// DeliveryGroups returns the groups of servers of each article. Those of an article with many deliveries are kept, and
// may be some seconds old.
func (s *Store) DeliveryGroups(ctx context.Context, articles []blog.ID) (map[blog.ID][]DeliveryGroup, error) {
	found := map[blog.ID][]DeliveryGroup{}
	if len(articles) == 0 {
		return found, nil
	}
	var kept []struct {
		ArticleID blog.ID
		Sample    []byte
	}
	err := s.all(ctx, &kept, `
		SELECT article_id, sample FROM delivery_samples WHERE sample IS NOT NULL AND article_id IN (?)`, articles)
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		var groups []DeliveryGroup
		if err := json.Unmarshal(k.Sample, &groups); err != nil {
			return nil, fmt.Errorf("the kept sample of article %s: %w", k.ArticleID, err)
		}
		found[k.ArticleID] = groups
	}
	counts, err := s.CountDeliveries(ctx, articles)
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(slices.Clone(articles), func(id blog.ID) bool {
		return found[id] != nil || counts[id] == 0
	})
	fresh, err := s.groupDeliveries(ctx, others)
	for article, groups := range fresh {
		found[article] = groups
	}
	return found, err
}

// groupDeliveries reads all deliveries about some articles.
func (s *Store) groupDeliveries(ctx context.Context, articles []blog.ID) (map[blog.ID][]DeliveryGroup, error) {
	if len(articles) == 0 {
		return nil, nil
	}
	var found []struct {
		ArticleID blog.ID
		Servers   int
		Hosts     string
	}
	// Each silent server fell silent at a moment of its own, so only whether it is silent makes a group. Of a group, the
	// one that is silent longest comes first. What a server has follows from the outcomes of its deliveries.
	outcomes := func(table, past string) string {
		return `SELECT o.article_id, p.host, p.failures > 0 AS failing, p.failing_since,
			p.unavailable_since IS NULL AS available, r.since IS NULL AS accepting, d.activity_id,
			d.activity_id || ' ' || d.status || ' ' || (d.code > 0) || ' ' || (d.attempts > 0) || ' ' || d.revision || ' ' ||
				d.unsure || ' ' || ` + past + ` AS outcome` + s.sql.fromDeliveries(table) + `WHERE ` + joined + `
				AND o.article_id IN (?)`
	}
	err := s.all(ctx, &found, `
		SELECT article_id, count(*) AS servers, string_agg(host, ' ' ORDER BY failing_since, host) AS hosts FROM (
			SELECT article_id, host, failing, failing_since, available, accepting,
				string_agg(outcome, ';' ORDER BY activity_id, outcome) AS history
			FROM (`+outcomes(`deliveries`, `'now'`)+` UNION ALL `+outcomes(s.sql.pastDeliveries(), `'past'`)+`) AS outcomes
			GROUP BY article_id, host, failing, failing_since, available, accepting) AS histories
		GROUP BY article_id, failing, failing_since IS NULL, available, accepting, history`, articles, articles)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	type place struct {
		article blog.ID
		host    string
	}
	groups, first := map[place]*DeliveryGroup{}, []string{}
	for _, g := range found {
		hosts := strings.Fields(g.Hosts)
		groups[place{g.ArticleID, hosts[0]}] = &DeliveryGroup{Servers: g.Servers, Hosts: hosts[:min(len(hosts), mostHosts)]}
		first = append(first, hosts[0])
	}
	rows, err := s.reportRows(ctx, ``, ``, `o.article_id IN (?) AND d.host IN (?)`, articles, first)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		// A host may stand for a group of another article alone.
		if g := groups[place{row.ArticleID, row.Host}]; g != nil {
			g.Rows = append(g.Rows, row.row())
		}
	}
	list := map[blog.ID][]DeliveryGroup{}
	for at, g := range groups {
		// Its deliveries may have been erased between the two queries.
		if len(g.Rows) > 0 {
			list[at.article] = append(list[at.article], *g)
		}
	}
	return list, nil
}

// keepSample lets the groups of an article be kept when an activity about it has many deliveries.
func (s *Store) keepSample(ctx context.Context, a blog.Activity) error {
	if a.ObjectID == "" {
		return nil
	}
	return s.run(ctx, `
		INSERT INTO delivery_samples (article_id, stale) SELECT o.article_id, 2 FROM objects o
		WHERE o.id = ? AND o.comment_id = ''
			AND (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE activity_id = ? LIMIT ?) AS x) >= ?
		ON CONFLICT (article_id) DO UPDATE SET stale = 2`, a.ObjectID, a.ID, manyDeliveries, manyDeliveries)
}

// When a kept sample is made anew. Triggers set stale to 2 when a delivery changes. It is 1 after that, as long as
// deliveries wait: their servers may fall silent, which changes no delivery.
const (
	sampleAfterChange = 10 * time.Second
	sampleWhileOpen   = 15 * time.Minute
)

// RenewSamples makes kept samples of deliveries anew that are due, at most one. It returns false when none was.
func (s *Store) RenewSamples(ctx context.Context, now time.Time) (bool, error) {
	var due []struct {
		ArticleID blog.ID
		Stale     int
	}
	err := s.all(ctx, &due, `
		SELECT article_id, stale FROM delivery_samples
		WHERE stale > 0 AND (made_at IS NULL OR made_at > ? OR stale = 2 AND made_at < ? OR stale = 1 AND made_at < ?)
		ORDER BY stale DESC, made_at IS NOT NULL, made_at LIMIT 1`,
		now.Add(time.Minute), now.Add(-sampleAfterChange), now.Add(-sampleWhileOpen))
	if err != nil || len(due) == 0 {
		return false, err
	}
	article := due[0].ArticleID
	// Before the deliveries are read: a change from now on makes the sample stale again.
	err = s.run(ctx, `UPDATE delivery_samples SET stale = 1, made_at = ? WHERE article_id = ?`, now, article)
	if err != nil {
		return false, err
	}
	all, err := s.groupDeliveries(ctx, []blog.ID{article})
	if err != nil {
		return false, err
	}
	groups := all[article]
	if err := s.addInboxes(ctx, article, groups); err != nil {
		return false, err
	}
	again := due[0].Stale - 1 // a transaction that began before may commit a change that was not read
	for _, row := range SampleOf(groups) {
		if !row.Status.Settled() {
			again = 1
		}
	}
	sample, err := json.Marshal(groups)
	if err != nil {
		return false, err
	}
	return true, s.run(ctx, `UPDATE delivery_samples SET sample = ?, stale = CASE WHEN stale = 2 THEN 2 ELSE ? END
		WHERE article_id = ?`, sample, again, article)
}

// addInboxes adds to the groups of an article the inboxes of their hosts.
func (s *Store) addInboxes(ctx context.Context, article blog.ID, groups []DeliveryGroup) error {
	of := map[string]*DeliveryGroup{}
	var hosts []string
	for i := range groups {
		for _, host := range groups[i].Hosts {
			of[host], hosts = &groups[i], append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	var list []struct{ Host, Inbox string }
	err := s.all(ctx, &list, `SELECT d.host, d.inbox`+deliveriesAbout+`AND d.host IN (?)
		UNION SELECT d.host, d.inbox FROM objects o JOIN activities a ON a.object_id = o.id
		JOIN `+s.sql.pastDeliveries()+` d ON d.activity_id = a.id WHERE o.article_id = ? AND o.comment_id = ''
			AND d.host IN (?) ORDER BY 1, 2`, article, hosts, article, hosts)
	for _, row := range list {
		g := of[row.Host]
		g.Inboxes = append(g.Inboxes, row.Inbox)
	}
	return err
}
