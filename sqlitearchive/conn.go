package sqlitearchive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/footfall-go/footfall/internal/turn"
)

// A conn is a connection to SQLite for one goroutine at a time. database/sql puts each
// argument of a statement into an interface and each text into memory of its own, which
// was a third of the CPU of a batch: a conn copies them into one buffer. Statements are
// prepared once and stay until the conn is closed.
type conn struct {
	tls        *libc.TLS
	db         uintptr
	statements map[string]*stmt
	ended      <-chan struct{} // no statement begins when it is closed; nil outside of transactions
	stale      bool            // what memory has of the tables may be wrong: it reads them again
	out        uintptr         // where SQLite puts a pointer that it returns
	buffer     uintptr         // for what is bound to the statement that is made ready
	size, used int             // of the buffer
	outgrown   []uintptr       // buffers that were too small for it
	turn       turn.Turn       // of the goroutine that uses it
}

// A codedError is an error of SQLite, from a conn or from database/sql.
type codedError interface {
	error
	Code() int
}

type connError struct {
	text string
	code int
}

func (e *connError) Error() string { return e.text }
func (e *connError) Code() int     { return e.code }

// openConn opens a database by its URI and sets pragmas.
func openConn(uri string, pragmas ...string) (*conn, error) {
	c := &conn{tls: libc.NewTLS(), statements: map[string]*stmt{}}
	name, err := libc.CString(uri)
	if err != nil {
		c.tls.Close()
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, uintptr(unsafe.Pointer(&c.out)), sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_NOMUTEX|sqlite3.SQLITE_OPEN_URI, 0)
	c.db = c.out
	if rc != sqlite3.SQLITE_OK {
		return nil, errors.Join(c.failure(rc), c.close())
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	for _, pragma := range pragmas {
		if err := c.script("PRAGMA " + pragma); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// close closes the connection. Closing it again does nothing.
func (c *conn) close() error {
	if c.tls == nil {
		return nil
	}
	for _, s := range c.statements {
		sqlite3.Xsqlite3_finalize(c.tls, s.p)
	}
	c.release()
	sqlite3.Xsqlite3_free(c.tls, c.buffer)
	var err error
	if rc := sqlite3.Xsqlite3_close_v2(c.tls, c.db); rc != sqlite3.SQLITE_OK {
		err = c.failure(rc)
	}
	c.tls.Close()
	c.tls, c.db, c.statements = nil, 0, nil
	return err
}

// failure returns the error that a result code of SQLite stands for.
func (c *conn) failure(rc int32) error {
	text := libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	if c.db != 0 {
		if more := libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db)); more != text {
			text += ": " + more
		}
	}
	return &connError{fmt.Sprintf("%s (%d)", text, rc), int(rc)}
}

// script runs statements without arguments.
func (c *conn) script(text string) error {
	s, err := libc.CString(text)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, s)
	if rc := sqlite3.Xsqlite3_exec(c.tls, c.db, s, 0, 0, 0); rc != sqlite3.SQLITE_OK {
		return c.failure(rc)
	}
	return nil
}

// interrupt makes the statement that is running fail. Any goroutine may call it before
// the connection is closed.
func (c *conn) interrupt() {
	tls := libc.NewTLS()
	defer tls.Close()
	sqlite3.Xsqlite3_interrupt(tls, c.db)
}

// waitForLocks says for how long statements wait for locks of other connections.
func (c *conn) waitForLocks(d time.Duration) {
	sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, int32(d.Milliseconds()))
}

// changes returns how many rows the latest statement changed.
func (c *conn) changes() int64 { return sqlite3.Xsqlite3_changes64(c.tls, c.db) }

// exec runs a statement with arguments.
func (c *conn) exec(query string, args ...any) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	return s.args(args).run()
}

// row runs a statement that returns at most one row, which read reads. It returns
// whether there is one.
func (c *conn) row(query string, read func(s *stmt), args ...any) (found bool, err error) {
	err = c.rows(query, func(s *stmt) { read(s); found = true }, args...)
	return found, err
}

// rows runs a statement and calls read for each row. read must not use c.
func (c *conn) rows(query string, read func(s *stmt), args ...any) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	return s.args(args).rows(read)
}

// A stmt is a statement of a conn. Arguments are bound in the order of their calls.
type stmt struct {
	c     *conn
	p     uintptr
	bound int32
	err   error // of binding
}

// prepare returns a statement to which nothing is bound. It must run before the next is
// prepared.
func (c *conn) prepare(query string) (*stmt, error) {
	c.release()
	if s := c.statements[query]; s != nil {
		s.bound, s.err = 0, nil
		return s, nil
	}
	if c.db == 0 {
		return nil, errClosed
	}
	text, err := libc.CString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	if rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, int32(len(query)), sqlite3.SQLITE_PREPARE_PERSISTENT, uintptr(unsafe.Pointer(&c.out)), 0); rc != sqlite3.SQLITE_OK {
		return nil, c.failure(rc)
	}
	s := &stmt{c: c, p: c.out}
	c.statements[query] = s
	return s, nil
}

// release makes the buffer free for the next statement. What was bound to an earlier
// one still points there, and is bound anew before that one runs again.
func (c *conn) release() {
	for _, p := range c.outgrown {
		sqlite3.Xsqlite3_free(c.tls, p)
	}
	c.outgrown, c.used = c.outgrown[:0], 0
}

// put copies bytes into the buffer.
func (c *conn) put(v string) (uintptr, bool) {
	if len(v) >= c.size-c.used { // also for the empty text, which has an address too
		c.outgrown = append(c.outgrown, c.buffer)
		c.size, c.used = max(2*c.size, len(v)+1, 1<<16), 0
		if c.buffer = sqlite3.Xsqlite3_malloc64(c.tls, uint64(c.size)); c.buffer == 0 {
			c.size = 0
			return 0, false
		}
	}
	p := c.buffer + uintptr(c.used)
	copy(unsafe.Slice(at(p), len(v)), v)
	c.used += len(v)
	return p, true
}

// at is the memory of SQLite at an address.
func at(p uintptr) *byte { return *(**byte)(unsafe.Pointer(&p)) }

func (s *stmt) note(rc int32) {
	if rc != sqlite3.SQLITE_OK && s.err == nil {
		s.err = s.c.failure(rc)
	}
}

func (s *stmt) null() {
	s.bound++
	s.note(sqlite3.Xsqlite3_bind_null(s.c.tls, s.p, s.bound))
}

func (s *stmt) int(v int64) {
	s.bound++
	s.note(sqlite3.Xsqlite3_bind_int64(s.c.tls, s.p, s.bound, v))
}

func (s *stmt) text(v string) {
	s.bound++
	p, ok := s.c.put(v)
	if !ok {
		s.note(sqlite3.SQLITE_NOMEM)
		return
	}
	s.note(sqlite3.Xsqlite3_bind_text(s.c.tls, s.p, s.bound, p, int32(len(v)), 0))
}

// textOrNull binds NULL for the empty text, which stands for what is not known.
func (s *stmt) textOrNull(v string) {
	if v == "" {
		s.null()
		return
	}
	s.text(v)
}

// blobOrNull binds NULL for no bytes.
func (s *stmt) blobOrNull(v []byte) {
	if len(v) == 0 {
		s.null()
		return
	}
	s.bound++
	p, ok := s.c.put(unsafe.String(&v[0], len(v)))
	if !ok {
		s.note(sqlite3.SQLITE_NOMEM)
		return
	}
	s.note(sqlite3.Xsqlite3_bind_blob(s.c.tls, s.p, s.bound, p, int32(len(v)), 0))
}

func (s *stmt) bool(v bool) {
	if v {
		s.int(1)
	} else {
		s.int(0)
	}
}

// timeOrNull binds Unix milliseconds, NULL for a time that is not known.
func (s *stmt) timeOrNull(v time.Time) {
	if v.IsZero() {
		s.null()
		return
	}
	s.int(v.UnixMilli())
}

// args binds arguments of any of the types that the others bind.
func (s *stmt) args(args []any) *stmt {
	for _, arg := range args {
		switch v := arg.(type) {
		case nil:
			s.null()
		case int64:
			s.int(v)
		case int:
			s.int(int64(v))
		case bool:
			s.bool(v)
		case string:
			s.text(v)
		case []byte:
			s.blobOrNull(v)
		default:
			s.err = fmt.Errorf("an argument of type %T", arg)
		}
	}
	return s
}

// run runs the statement to its end.
func (s *stmt) run() error { return s.rows(nil) }

// rows runs the statement and calls read, if set, for each row.
func (s *stmt) rows(read func(s *stmt)) error {
	select {
	case <-s.c.ended:
		return context.Canceled
	default:
	}
	s.c.turn.Keep()
	for s.err == nil {
		rc := sqlite3.Xsqlite3_step(s.c.tls, s.p)
		if rc == sqlite3.SQLITE_DONE {
			break
		}
		if rc != sqlite3.SQLITE_ROW {
			s.note(rc)
			break
		}
		if read != nil {
			read(s)
		}
	}
	sqlite3.Xsqlite3_reset(s.c.tls, s.p) // its error is that of the step
	return s.err
}

// isNull reports whether a column of the row is NULL.
func (s *stmt) isNull(column int32) bool {
	return sqlite3.Xsqlite3_column_type(s.c.tls, s.p, column) == sqlite3.SQLITE_NULL
}

// isInt reports whether a column of the row is an integer.
func (s *stmt) isInt(column int32) bool {
	return sqlite3.Xsqlite3_column_type(s.c.tls, s.p, column) == sqlite3.SQLITE_INTEGER
}

// columnInt returns a column of the row, 0 for NULL.
func (s *stmt) columnInt(column int32) int64 {
	return sqlite3.Xsqlite3_column_int64(s.c.tls, s.p, column)
}

// columnView returns a column of the row, the empty text for NULL, until the next row.
func (s *stmt) columnView(column int32) string {
	p := sqlite3.Xsqlite3_column_text(s.c.tls, s.p, column)
	if p == 0 {
		return ""
	}
	return unsafe.String(at(p), int(sqlite3.Xsqlite3_column_bytes(s.c.tls, s.p, column)))
}

// columnText returns a column of the row, the empty text for NULL.
func (s *stmt) columnText(column int32) string { return strings.Clone(s.columnView(column)) }

// Scan reads a row as (*sql.Row).Scan does, into the types that scanRecord uses.
func (s *stmt) Scan(dest ...any) error {
	for i, d := range dest {
		column := int32(i)
		switch d := d.(type) {
		case *string:
			*d = s.columnText(column)
		case *int64:
			*d = s.columnInt(column)
		case *bool:
			*d = s.columnInt(column) != 0
		case *[]byte:
			*d = []byte(s.columnView(column))
		case *sql.NullString:
			*d = sql.NullString{String: s.columnText(column), Valid: !s.isNull(column)}
		case *sql.NullInt64:
			*d = sql.NullInt64{Int64: s.columnInt(column), Valid: !s.isNull(column)}
		default:
			return fmt.Errorf("scan into a %T", d)
		}
	}
	return nil
}
