package sqlitearchive_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

var began = time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)

func sessionID(n int) string { return fmt.Sprintf("01970000-0000-7000-8000-%012x", n) }
func visitorID(n int) string { return fmt.Sprintf("01970000-0000-7000-9000-%012x", n) }

func begun(n int) *store.SessionBegun {
	f := &store.SessionBegun{}
	f.SessionID, f.VisitorID, f.StartedAt, f.LastSeenAt = sessionID(n), visitorID(n), began, began
	f.Version = began.UnixMilli()
	return f
}

func view(n int, eventID string) *store.EventRecorded {
	return &store.EventRecorded{Event: store.Event{EventID: eventID, SessionID: sessionID(n), VisitorID: visitorID(n), EventType: store.EventPageView, Page: "/p/1?a=b", CreatedAt: began.Add(time.Second)}}
}

// connect opens a database without the package, as another program would.
func connect(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// table returns a query's result as text: a line of names, then the rows.
func table(t testing.TB, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{strings.Join(names, " | ")}
	for rows.Next() {
		values := make([]any, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, v := range values {
			switch v := v.(type) {
			case nil:
				line = append(line, "NULL")
			case []byte:
				line = append(line, fmt.Sprintf("x'%x'", v))
			default:
				line = append(line, fmt.Sprint(v))
			}
		}
		lines = append(lines, strings.Join(line, " | "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func wantTable(t testing.TB, db *sql.DB, query, want string) {
	t.Helper()
	if got := table(t, db, query); got != strings.ReplaceAll(strings.TrimSpace(want), "\t", "") {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", query, got, strings.ReplaceAll(strings.TrimSpace(want), "\t", ""))
	}
}

func mustAppend(t testing.TB, a *sqlitearchive.Archive, facts ...store.Fact) {
	t.Helper()
	if err := a.Append(context.Background(), facts); err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	t.Run("makes_and_reopens", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "new", "footfall.db")
		for i := range 3 {
			a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
			if err != nil {
				t.Fatal(err)
			}
			mustAppend(t, a, begun(i))
			if n, err := a.SessionsBegun(t.Context(), began); err != nil || n != int64(i+1) {
				t.Errorf("opened %d times: %d sessions, %v: what was stored is still there", i+1, n, err)
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v: the file is its owner's alone", info.Mode(), err)
		}
		wantTable(t, connect(t, path), "PRAGMA user_version", "user_version\n5")
	})
	t.Run("odd_paths", func(t *testing.T) {
		for _, name := range []string{"a b", "50%", "q?mode=ro&x=1", "h#ash", "ünï", "a%20b", "co:lon", "'quote'"} {
			path := filepath.Join(t.TempDir(), name, name+".db")
			a := open(t, path)
			mustAppend(t, a, begun(1))
			if _, err := os.Stat(path); err != nil {
				t.Errorf("the database of %q is not where it should be: %v", name, err)
			}
		}
	})
	t.Run("newer_version", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "footfall.db")
		if err := open(t, path).Close(); err != nil {
			t.Fatal(err)
		}
		db := connect(t, path)
		if _, err := db.Exec("PRAGMA user_version = 999"); err != nil {
			t.Fatal(err)
		}
		before := table(t, db, "SELECT name, sql FROM sqlite_schema")
		_, err := sqlitearchive.Open(path, sqlitearchive.Options{})
		_, readErr := sqlitearchive.OpenReadOnly(path, sqlitearchive.Options{})
		for _, err := range []error{err, readErr} {
			if !errors.Is(err, sqlitearchive.ErrNewer) || strings.Contains(fmt.Sprint(err), "\n") {
				t.Errorf("a newer database: %v: it is refused with ErrNewer, in one line", err)
			}
			if !strings.Contains(fmt.Sprint(err), path) || !strings.Contains(fmt.Sprint(err), "999") {
				t.Errorf("a newer database: %v: the error names the file and the version", err)
			}
		}
		wantTable(t, db, "PRAGMA user_version", "user_version\n999")
		if after := table(t, db, "SELECT name, sql FROM sqlite_schema"); after != before {
			t.Error("a newer database was changed: it must be left alone")
		}
	})
	t.Run("not_a_database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "footfall.db")
		if err := os.WriteFile(path, []byte(strings.Repeat("this is a text\n", 100)), 0o600); err != nil {
			t.Fatal(err)
		}
		if a, err := sqlitearchive.Open(path, sqlitearchive.Options{}); err == nil {
			a.Close()
			t.Error("a text file was opened as a database")
		} else if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) {
			t.Errorf("%v: the error is one line and names the file", err)
		}
	})
}

func TestOpen_RefusesWhatMeansNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "footfall.db")
	for _, open := range []func(string, sqlitearchive.Options) (*sqlitearchive.Archive, error){sqlitearchive.Open, sqlitearchive.OpenReadOnly} {
		if a, err := open("", sqlitearchive.Options{}); err == nil || !strings.Contains(err.Error(), "the path is empty") {
			t.Errorf("without a path: %v, %v; want an error that says so", a, err)
		}
		if a, err := open(path, sqlitearchive.Options{SessionMaxAge: -time.Hour}); err == nil || !strings.Contains(err.Error(), "Options.SessionMaxAge") {
			t.Errorf("a negative SessionMaxAge gives %v, %v; want an error that names it: revocations would be forgotten at once", a, err)
		}
	}
}

func TestOpenReadOnly(t *testing.T) {
	t.Run("missing_file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "footfall.db")
		if _, err := sqlitearchive.OpenReadOnly(path, sqlitearchive.Options{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing file: %v: it says so with fs.ErrNotExist", err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a missing file was made by opening it for reading")
		}
	})
	t.Run("before_the_first_start_is_through", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "footfall.db")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlitearchive.OpenReadOnly(path, sqlitearchive.Options{}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file without tables: %v: it is as good as missing", err)
		}
	})
	t.Run("the_writers_files_are_its_owners_alone", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "footfall.db")
		a := open(t, path)
		mustAppend(t, a, begun(1))
		for _, name := range []string{path, path + "-wal", path + "-shm"} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v: want mode 0600", name, info.Mode(), err)
			}
		}
	})
	t.Run("beside_the_writer", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "footfall.db")
		a := open(t, path)
		mustAppend(t, a, begun(1))
		r, err := sqlitearchive.OpenReadOnly(path, sqlitearchive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		mustAppend(t, a, begun(2))
		if n, err := r.SessionsBegun(t.Context(), began); err != nil || n != 2 {
			t.Errorf("a reader beside the writer sees %d sessions, %v: want both", n, err)
		}
		if err := r.Append(t.Context(), []store.Fact{begun(3)}); err == nil || errors.Is(err, store.ErrRejected) {
			t.Errorf("Append: %v: it fails, and rejects nothing for good", err)
		}
		if _, err := r.ClaimSlot(t.Context(), "job", began); err == nil {
			t.Error("ClaimSlot of a reader succeeded")
		}
		if _, err := r.Purge(t.Context(), time.Time{}, began, began, 1); err == nil {
			t.Error("Purge of a reader succeeded")
		}
	})
	t.Run("after_the_writer", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "footfall.db")
		a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, a, begun(1))
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := sqlitearchive.OpenReadOnly(path, sqlitearchive.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if n, err := r.SessionsBegun(t.Context(), began); err != nil || n != 1 {
			t.Errorf("a reader of a closed database sees %d sessions, %v", n, err)
		}
	})
}

func TestArchive_Rows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "footfall.db")
	a := open(t, path)
	full := begun(1)
	full.IPAddress, full.UserAgent, full.Country, full.City, full.Device, full.Browser, full.OS = "192.0.2.0", "UA", "DE", "Köln", "desktop", "Firefox", "Linux"
	full.LandingPage, full.Referrer, full.Channel = "/p", "https://example.com/", "Referral"
	full.UTMSource, full.UTMMedium, full.UTMCampaign, full.UTMTerm, full.UTMContent = "s", "m", "c", "t", "k"
	shopping := view(1, "e-2")
	shopping.EventType, shopping.ProductID, shopping.Metadata, shopping.CreatedAt = store.EventAddToCart, "p-1", json.RawMessage(`{"quantity":1}`), began.Add(2*time.Second)
	login := &store.CredentialsChanged{SessionID: sessionID(1), Cred: store.Credentials{Version: began.UnixMilli() + 5, CustomerID: "c-1", AuthenticatedAt: began}}
	order := &store.OrderPlaced{EventID: "e-3", Order: store.Order{OrderID: "o-1", SessionID: sessionID(1), VisitorID: visitorID(1), CustomerID: "c-1",
		Total: store.Money{Amount: 1999, Currency: "EUR"}, CreatedAt: began.Add(3 * time.Second)}}
	logout := &store.CredentialsChanged{SessionID: sessionID(1), Cred: login.Cred}
	logout.Cred.Version, logout.Cred.EndedAt, logout.Cred.EndReason = began.UnixMilli()+9, began.Add(4*time.Second), store.EndLogout
	mustAppend(t, a, full, view(1, "e-1"), shopping, login, order, logout, begun(2))

	db := connect(t, path)
	for _, c := range []struct{ query, want string }{
		{
			`SELECT session_id, visitor_id, customer_id, type, ip_address, user_agent, country, city, device, browser, os FROM sessions ORDER BY 1`, `
			session_id | visitor_id | customer_id | type | ip_address | user_agent | country | city | device | browser | os
			01970000-0000-7000-8000-000000000001 | 01970000-0000-7000-9000-000000000001 | c-1 | CUSTOMER | 192.0.2.0 | UA | DE | Köln | desktop | Firefox | Linux
			01970000-0000-7000-8000-000000000002 | 01970000-0000-7000-9000-000000000002 | NULL | ANONYMOUS | NULL | NULL | NULL | NULL | NULL | NULL | NULL`,
		}, {
			`SELECT landing_page, referrer, channel, utm_source, utm_medium, utm_campaign, utm_term, utm_content FROM sessions ORDER BY session_id`, `
			landing_page | referrer | channel | utm_source | utm_medium | utm_campaign | utm_term | utm_content
			/p | https://example.com/ | Referral | s | m | c | t | k
			NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL`,
		}, {
			`SELECT page_views, started_at, last_seen_at, ended_at, end_reason, converted, order_id FROM sessions ORDER BY session_id`, `
			page_views | started_at | last_seen_at | ended_at | end_reason | converted | order_id
			1 | 1773480413589 | 1773480417589 | 1773480417589 | logout | 1 | o-1
			0 | 1773480413589 | 1773480413589 | NULL | NULL | 0 | NULL`,
		}, {
			`SELECT event_id, session_id, visitor_id, event_type, page, product_id, metadata, created_at FROM session_events ORDER BY 1`, `
			event_id | session_id | visitor_id | event_type | page | product_id | metadata | created_at
			e-1 | 01970000-0000-7000-8000-000000000001 | 01970000-0000-7000-9000-000000000001 | page_view | /p/1?a=b | NULL | NULL | 1773480414589
			e-2 | 01970000-0000-7000-8000-000000000001 | 01970000-0000-7000-9000-000000000001 | add_to_cart | /p/1?a=b | p-1 | {"quantity":1} | 1773480415589
			e-3 | 01970000-0000-7000-8000-000000000001 | 01970000-0000-7000-9000-000000000001 | order_completed | NULL | NULL | {"orderId":"o-1"} | 1773480416589`,
		}, {
			`SELECT order_id, session_id, visitor_id, customer_id, amount, currency, created_at FROM orders`, `
			order_id | session_id | visitor_id | customer_id | amount | currency | created_at
			o-1 | 01970000-0000-7000-8000-000000000001 | 01970000-0000-7000-9000-000000000001 | c-1 | 1999 | EUR | 1773480416589`,
		}, {
			`SELECT visitor_id FROM visitors ORDER BY 1`, `
			visitor_id
			01970000-0000-7000-9000-000000000001
			01970000-0000-7000-9000-000000000002`,
		},
		{`SELECT DISTINCT typeof(started_at), typeof(last_seen_at), typeof(page_views), typeof(session_id) FROM sessions`, "typeof(started_at) | typeof(last_seen_at) | typeof(page_views) | typeof(session_id)\ninteger | integer | integer | text"},
		{`PRAGMA journal_mode`, "journal_mode\nwal"},
		{`PRAGMA integrity_check`, "integrity_check\nok"},
	} {
		wantTable(t, db, c.query, c.want)
	}
}

func TestArchive_Locked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "footfall.db")
	a := open(t, path)
	mustAppend(t, a, begun(1))
	other, err := connect(t, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	err = a.Append(ctx, []store.Fact{view(1, "e-1")})
	took := time.Since(start)
	switch {
	case err == nil:
		t.Fatal("Append beside a lock succeeded")
	case errors.Is(err, store.ErrRejected):
		t.Errorf("Append beside a lock: %v: a lock goes away; ErrRejected would throw the facts away", err)
	}
	if took > 2*time.Second {
		t.Errorf("Append beside a lock took %v after a deadline of 300 ms: methods return soon after ctx is done", took.Round(time.Millisecond))
	}
	if _, ok, err := a.Session(t.Context(), sessionID(1)); !ok || err != nil {
		t.Errorf("Session beside a lock = %v, %v: readers do not wait for a writer", ok, err)
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, a, view(1, "e-1"))
	if s, _, err := a.Session(t.Context(), sessionID(1)); err != nil || s.PageViews != 1 {
		t.Errorf("after the lock: %d page views, %v", s.PageViews, err)
	}
}

// BenchmarkAppend stores page views of few sessions, and of so many that nearly
// each event in a batch is of another session.
func BenchmarkAppend(b *testing.B) {
	for _, sessions := range []int{200, 20_000} {
		b.Run(fmt.Sprint(sessions), func(b *testing.B) { benchmarkAppend(b, sessions) })
	}
}

// BenchmarkAppend_NewSessions stores sessions of one page view each.
func BenchmarkAppend_NewSessions(b *testing.B) {
	const sessions = 500
	a := open(b, filepath.Join(b.TempDir(), "footfall.db"))
	n := 0
	for b.Loop() {
		b.StopTimer()
		batch := make([]store.Fact, 0, 2*sessions)
		for range sessions {
			n++
			f := begun(n)
			f.UserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
			f.IPAddress, f.Device, f.Browser, f.OS, f.LandingPage, f.Channel = "203.0.113.0", "desktop", "Chrome", "Linux", "/products/1", "Direct"
			f.SessionID = fmt.Sprintf("01970000-%04x-7%03x-a000-%012x", n>>12&0xffff, n&0xfff, n*7919)
			f.VisitorID = fmt.Sprintf("01970000-%04x-7%03x-b000-%012x", n>>12&0xffff, n&0xfff, n*7927)
			v := view(n, fmt.Sprintf("01970000-%04x-7%03x-c000-%012x", n>>12&0xffff, n&0xfff, n*7933))
			v.SessionID, v.VisitorID = f.SessionID, f.VisitorID
			batch = append(batch, f, v)
		}
		b.StartTimer()
		if err := a.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	per := float64(b.Elapsed().Nanoseconds()) / float64(n)
	b.ReportMetric(per, "ns/session")
}

func benchmarkAppend(b *testing.B, sessions int) {
	const events = 1000
	a := open(b, filepath.Join(b.TempDir(), "footfall.db"))
	var facts []store.Fact
	for n := range sessions {
		facts = append(facts, begun(n))
	}
	mustAppend(b, a, facts...)
	n := 0
	for b.Loop() {
		b.StopTimer()
		batch := make([]store.Fact, events)
		for i := range batch {
			n++
			batch[i] = view(n*7919%sessions, fmt.Sprintf("01970000-%04x-7%03x-a000-%012x", n>>12&0xffff, n&0xfff, n*7919))
		}
		b.StartTimer()
		if err := a.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	per := float64(b.Elapsed().Nanoseconds()) / float64(n)
	b.ReportMetric(per, "ns/event")
	b.ReportMetric(1e9/per, "events/s")
}

// The tables of before the first release are refused, and left as they are.
func TestOpen_RefusesTheTablesOfBeforeTheFirstRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "footfall.db")
	db := connect(t, path)
	if _, err := db.Exec("CREATE TABLE sessions (session_id TEXT NOT NULL PRIMARY KEY); PRAGMA user_version = 3"); err != nil {
		t.Fatal(err)
	}
	_, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	_, readErr := sqlitearchive.OpenReadOnly(path, sqlitearchive.Options{})
	for _, err := range []error{err, readErr} {
		if !errors.Is(err, sqlitearchive.ErrOlder) || strings.Contains(fmt.Sprint(err), "\n") || !strings.Contains(fmt.Sprint(err), path) || !strings.Contains(fmt.Sprint(err), "move it away") {
			t.Errorf("%v: want ErrOlder, in one line that names the file and says what to do", err)
		}
	}
	wantTable(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table'", "name\nsessions")
}
