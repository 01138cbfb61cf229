package storetest

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/lib/pq"
	"modernc.org/libc"
	"modernc.org/sqlite"
	"modernc.org/sqlite/lib"

	"causerie/internal/store"
)

// Reads records what each statement of a store reads. The numbers depend on the plan and on the rows, and not on how
// busy the machine is.
type Reads struct {
	mu   sync.Mutex
	list []Read
}

// Read is one execution of a statement.
type Read struct {
	By    string // the method of the store that asked, such as "Counts"
	Query string
	Work  int // steps of SQLite's virtual machine; on PostgreSQL ten for each row that a scan read or skipped
	Pages int // pages of the database that were looked at, in memory or on disk
	Rows  int // that were returned or changed
}

// Wrap is a store.Wrap: it puts the recorder around the connections of a store.
func (r *Reads) Wrap(inner driver.Connector) driver.Connector { return readingConnector{inner, r} }

var _ store.Wrap = (&Reads{}).Wrap

// Take returns what was recorded since the last call.
func (r *Reads) Take() []Read {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	r.list = nil
	return list
}

func (r *Reads) add(one Read) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, one)
}

type readingConnector struct {
	driver.Connector
	reads *Reads
}

// Connect opens a connection and finds out which database it leads to.
func (c readingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	reading := &readingConn{fullConn: conn.(fullConn), reads: c.reads, by: map[string]string{}}
	if _, light := conn.(sqlite.DBStatus); light {
		reading.meter, err = newMeter(conn)
		return reading, err
	}
	// PostgreSQL tells the client what each plan really did. Without enable_seqscan it would read a table of some hundred
	// pages as a whole although it has an index for the query; in a large blog it takes the index.
	pq.SetNoticeHandler(conn, reading.notice)
	_, err = conn.(driver.ExecerContext).ExecContext(ctx, `LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;
		SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off; SET auto_explain.log_buffers = on;
		SET auto_explain.log_format = json; SET auto_explain.log_level = notice;
		SET auto_explain.log_nested_statements = on; SET enable_seqscan = off`, nil)
	return reading, err
}

// readingConn records what its statements read.
type readingConn struct {
	fullConn
	reads *Reads
	meter *meter // nil on PostgreSQL

	by map[string]string // on PostgreSQL: who asked a query last. A plan may be told only after the next query began.
}

// CheckNamedValue lets the driver convert arguments, if it does so itself.
func (c *readingConn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.fullConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return driver.ErrSkip
}

// PrepareContext returns a statement that records each execution.
func (c *readingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.fullConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &readingStmt{fullStmt: stmt.(fullStmt), conn: c, query: query}, nil
}

// ExecContext prepares the statement on SQLite: what it did is known only as long as the statement is there.
func (c *readingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.meter == nil {
		c.by[query] = asker()
		return c.fullConn.ExecContext(ctx, query, args)
	}
	stmt, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	return stmt.(*readingStmt).ExecContext(ctx, args)
}

// QueryContext is like ExecContext.
func (c *readingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.meter == nil {
		c.by[query] = asker()
		return c.fullConn.QueryContext(ctx, query, args)
	}
	stmt, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.(*readingStmt).QueryContext(ctx, args)
	if err != nil {
		stmt.Close()
		return nil, err
	}
	rows.(*readingRows).own = stmt
	return rows, nil
}

type readingStmt struct {
	fullStmt
	conn  *readingConn
	query string
}

// ExecContext records an execution that returns no rows.
func (s *readingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if s.conn.meter == nil {
		s.conn.by[s.query] = asker()
		return s.fullStmt.ExecContext(ctx, args)
	}
	s.conn.meter.read()
	result, err := s.fullStmt.ExecContext(ctx, args)
	one := Read{By: asker(), Query: s.query}
	one.Work, one.Pages = s.conn.meter.read()
	if err == nil {
		n, _ := result.RowsAffected()
		one.Rows = int(n)
	}
	s.conn.reads.add(one)
	return result, err
}

// QueryContext records an execution when its rows are closed.
func (s *readingStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	by := asker()
	if s.conn.meter == nil {
		s.conn.by[s.query] = by
		return s.fullStmt.QueryContext(ctx, args)
	}
	s.conn.meter.read()
	rows, err := s.fullStmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	return &readingRows{Rows: rows, conn: s.conn, read: Read{By: by, Query: s.query}}, nil
}

type readingRows struct {
	driver.Rows
	conn *readingConn
	read Read
	own  driver.Stmt // ends with the rows, when they are of a query that was prepared for them alone
}

// Next counts a row.
func (r *readingRows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err == nil {
		r.read.Rows++
	}
	return err
}

// Close records the query.
func (r *readingRows) Close() error {
	r.read.Work, r.read.Pages = r.conn.meter.read()
	r.conn.reads.add(r.read)
	err := r.Rows.Close()
	if r.own != nil {
		err = errors.Join(err, r.own.Close())
	}
	return err
}

// meter reads the counters of one SQLite connection. One statement runs at a time on it.
type meter struct {
	status sqlite.DBStatus
	tls    *libc.TLS
	db     uintptr
}

// newMeter looks into the connection: the driver has no other way to the counters of statements.
func newMeter(conn driver.Conn) (*meter, error) {
	inside := reflect.ValueOf(conn).Elem()
	db, tls := inside.FieldByName("db"), inside.FieldByName("tls")
	if db.Kind() != reflect.Uintptr || tls.Type() != reflect.TypeFor[*libc.TLS]() {
		return nil, fmt.Errorf("the connections of the SQLite driver have another form: %T", conn)
	}
	return &meter{conn.(sqlite.DBStatus), (*libc.TLS)(unsafe.Pointer(tls.Pointer())), uintptr(db.Uint())}, nil
}

// read returns the steps and the pages since the last call.
func (m *meter) read() (steps, pages int) {
	for stmt := sqlite3.Xsqlite3_next_stmt(m.tls, m.db, 0); stmt != 0; {
		steps += int(sqlite3.Xsqlite3_stmt_status(m.tls, stmt, sqlite3.SQLITE_STMTSTATUS_VM_STEP, 1))
		stmt = sqlite3.Xsqlite3_next_stmt(m.tls, m.db, stmt)
	}
	for _, op := range []sqlite.DBStatusOp{sqlite.DBStatusCacheHit, sqlite.DBStatusCacheMiss} {
		n, _, _ := m.status.Status(op, true)
		pages += n
	}
	return steps, pages
}

// planNode is a node of PostgreSQL's plan, as far as it is counted.
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Index    string     `json:"Index Name"`
	Rows     float64    `json:"Actual Rows"`
	Loops    float64    `json:"Actual Loops"`
	Filtered float64    `json:"Rows Removed by Filter"`
	Checked  float64    `json:"Rows Removed by Index Recheck"`
	Hit      int        `json:"Shared Hit Blocks"`
	Read     int        `json:"Shared Read Blocks"`
	Plans    []planNode `json:"Plans"`
}

// scanned returns how many rows the scans below a node read.
func (n planNode) scanned() int {
	sum := 0
	if strings.Contains(n.Type, "Scan") && (n.Relation != "" || n.Index != "") {
		sum = int((n.Rows + n.Filtered + n.Checked) * n.Loops)
	}
	for _, below := range n.Plans {
		sum += below.scanned()
	}
	return sum
}

// notice records a plan that the server tells.
func (c *readingConn) notice(said *pq.Error) {
	_, plan, found := strings.Cut(said.Message, "plan:\n")
	if !found {
		return
	}
	var told struct {
		Query string   `json:"Query Text"`
		Plan  planNode `json:"Plan"`
	}
	if err := json.NewDecoder(strings.NewReader(plan)).Decode(&told); err != nil && !errors.Is(err, io.EOF) {
		panic(fmt.Sprintf("a plan cannot be read: %v in %s", err, plan)) // nobody above can be told
	}
	rows := told.Plan.Rows
	if told.Plan.Type == "ModifyTable" && len(told.Plan.Plans) > 0 {
		rows = told.Plan.Plans[0].Rows
	}
	by := c.by[told.Query]
	if by == "" {
		by = "a trigger" // or the check of a foreign key
	}
	c.reads.add(Read{By: by, Query: told.Query, Work: 10 * told.Plan.scanned(), Pages: told.Plan.Hit + told.Plan.Read,
		Rows: int(rows)})
}

// asker returns the method of the store that runs a statement.
func asker() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		if name, ours := strings.CutPrefix(frame.Function, "causerie/internal/store.(*Store)."); ours {
			name, _, _ = strings.Cut(name, ".") // of a function inside a method
			if name[0] >= 'A' && name[0] <= 'Z' && name != "InTx" {
				return name
			}
		}
		if !more {
			return "the store"
		}
	}
}
