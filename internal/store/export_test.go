package store

import "context"

// Queries are those that were asked of the readers so far, as they are prepared.
func (s *Store) Queries() []string {
	s.statements.preparing.Wait()
	s.statements.mu.Lock()
	defer s.statements.mu.Unlock()
	var list []string
	for key := range s.statements.ready {
		if key.db == s.read {
			list = append(list, key.query)
		}
	}
	return list
}

// PlanOf is how SQLite answers a query, as its readers see it, a line for each table.
func (s *Store) PlanOf(ctx context.Context, query string) ([]string, error) {
	rows, err := s.read.QueryxContext(ctx, `EXPLAIN QUERY PLAN `+query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, rows.Err()
}
