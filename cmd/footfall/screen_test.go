package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	_ "modernc.org/sqlite"

	"github.com/footfall-go/footfall/sqlitearchive"
	"github.com/footfall-go/footfall/store"
)

// hostile is what a terminal, or who looks at it, must not get to see as it is: a
// cursor that moves, a title, a bell, a line that looks like another one, C1 controls,
// text from right to left, separators, and bytes that are not UTF-8.
const hostile = "\x1b[2J\x1b]0;title\x07\r\nfootfall: all is well\b\x7f\u0085\u009b31m\u202eevil\u2066\u200f\u061c\u2028\u2029\ufeff\xff\xc3"

// checkShown fails if a terminal would do anything but show the text.
func checkShown(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s prints bytes that are not UTF-8: %q", what, text)
	}
	for _, r := range text {
		if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			t.Errorf("%s prints %U as it is: what a store holds reaches a terminal only as text\n%q", what, r, text)
			return
		}
	}
}

// Each column of text in the database holds hostile text, and every command that
// prints shows it.
func TestPrinting_TrustsNoStore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "footfall.db")
	a, err := sqlitearchive.Open(path, sqlitearchive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const id, other, visitor = "01970000-0000-7000-8000-000000000001", "01970000-0000-7000-8000-000000000002", "9b2d7e1c-54a3-4f0e-8d15-6a1f2c3b4d5e"
	at := time.Now().UTC().Truncate(time.Millisecond).Add(-time.Minute)
	texts := func(id string) store.Record {
		return store.Record{Version: 1, SecretHash: store.SecretHash{1}, Session: store.Session{
			SessionID: id, VisitorID: visitor, CustomerID: "alice", IPAddress: "i", UserAgent: "u", Country: "c", City: "c", Device: "d", Browser: "b", OS: "o",
			LandingPage: "/", Referrer: "r", Channel: "c", UTMSource: "s", UTMMedium: "m", UTMCampaign: "c", UTMTerm: "t", UTMContent: "c", OrderID: "o", StartedAt: at, LastSeenAt: at,
		}}
	}
	event := store.Event{EventID: "e1", SessionID: id, VisitorID: visitor, EventType: "add_to_cart", Page: "/p", ProductID: "p", Metadata: json.RawMessage(`{}`), CreatedAt: at}
	if err := a.Append(t.Context(), []store.Fact{
		&store.SessionBegun{Record: texts(id)}, &store.SessionBegun{Record: texts(other)}, &store.EventRecorded{Event: event},
		&store.ValueSet{SessionID: id, Key: "k", Value: store.Value{JSON: json.RawMessage(`1`)}, At: at},
		&store.OrderPlaced{Order: store.Order{OrderID: "o1", SessionID: id, VisitorID: visitor, CustomerID: "alice", Total: store.Money{Amount: 5, Currency: "EUR"}, CreatedAt: at}, EventID: "e2"},
		&store.OrderRefunded{RefundID: "r1", OrderID: "o1", SessionID: id, VisitorID: visitor, Amount: store.Money{Amount: 5, Currency: "EUR"}, EventID: "e3", At: at},
	}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	planted := plantInColumns(t, db, id)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, column := range []string{"session_rows.id", "session_rows.landing_page", "session_rows.end_reason", "event_rows.id", "event_rows.event_type", "event_rows.metadata", "orders.currency"} {
		if !planted[column] {
			t.Errorf("nothing was planted in %s: the test is no test", column)
		}
	}
	for _, args := range [][]string{
		{"sessions"}, {"sessions", "--active"}, {"session", id}, {"events", id}, {"stats"}, {"doctor"},
		{"session", hostile}, {"events", hostile}, {"revoke", "--customer=" + hostile}, {"revoke", "--session=" + hostile}, {"stats", "--from=" + hostile}, {hostile}, {"--" + hostile},
		{"config", "--landing=" + hostile}, {"backup", filepath.Join(dir, "copy.db")}, {"backup", filepath.Join(dir, "\x1b[2J\u202ecopy.db")},
	} {
		for _, more := range [][]string{nil, {"--json"}} {
			var out, errs bytes.Buffer
			code := run(append(append(args[:len(args):len(args)], more...), "--data-dir="+dir), terminal{&out, &errs})
			what := fmt.Sprintf("footfall %.30q", append(args, more...))
			checkShown(t, what, out.String())
			checkShown(t, what, errs.String())
			if reads := args[0] == "sessions" || args[0] == "stats" && len(args) == 1 || args[len(args)-1] == id; reads {
				if code != 0 {
					t.Errorf("%s ends with %d: a damaged text must not hide all that is beside it\n%s", what, code, errs.String())
				}
				for line := range strings.Lines(out.String()) {
					if strings.HasPrefix(line, "footfall: all is well") {
						t.Errorf("%s prints a line of its own for what is a line feed in a store:\n%s", what, out.String())
					}
				}
			}
			if more != nil && out.Len() > 0 && !json.Valid(out.Bytes()) {
				t.Errorf("%s prints what is no JSON:\n%s", what, out.String())
			}
			if more == nil && out.Len()+errs.Len() == 0 {
				t.Errorf("%s prints nothing", what)
			}
			if more == nil && (args[0] == "sessions" && len(args) == 1 || args[len(args)-1] == id) && !strings.Contains(out.String(), `\u001b[2J`) {
				t.Errorf("%s does not show what is stored, as text:\n%s\n%s", what, out.String(), errs.String())
			}
		}
	}
}

// plantInColumns appends hostile text to each column of text of each table, but for
// what the commands find the session id by. It returns which columns it filled.
func plantInColumns(t *testing.T, db *sql.DB, id string) map[string]bool {
	t.Helper()
	type column struct{ table, name string }
	var all []column
	rows, err := db.Query(`SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.type IN ('TEXT', '')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.table, &c.name); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	planted := map[string]bool{}
	for _, c := range all {
		query := fmt.Sprintf(`UPDATE %q SET %q = CAST(coalesce(%q, '') || CAST(? AS TEXT) AS TEXT)`, c.table, c.name, c.name)
		args := []any{hostile}
		switch {
		case c.table == "session_rows" && c.name == "id":
			query += ` WHERE id <> unhex(replace(?, '-', ''))`
			args = append(args, id)
		case c.name == "session_id":
			query += fmt.Sprintf(` WHERE %q <> ?`, c.name)
			args = append(args, id)
		}
		result, err := db.Exec(query, args...)
		if err != nil {
			t.Fatalf("%s.%s: %v", c.table, c.name, err)
		}
		if n, _ := result.RowsAffected(); n > 0 {
			planted[c.table+"."+c.name] = true
		}
	}
	return planted
}

func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Köln 🛒 <&>\\": "Köln 🛒 <&>\\", "a\x1b[2Jb": `a\u001b[2Jb`, "\x00\x7f\u0085": `\u0000\u007f\u0085`, "\xff\xc3": `\xff\xc3`, "a\nb\tc": "a\nb\\u0009c", "\u202e\u2066\u2028": `\u202e\u2066\u2028`, "\ufffd": "\ufffd",
	} {
		if got := shown(text, "\n"); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// What is JSON stays JSON that says the same.
func FuzzShown(f *testing.F) {
	f.Add(hostile)
	f.Fuzz(func(t *testing.T, text string) {
		checkShown(t, "shown", shown(text, "\n"))
		doc, err := json.MarshalIndent(map[string]string{"k" + text: text}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		var before, after map[string]string
		if err := json.Unmarshal(doc, &before); err != nil {
			t.Fatal(err)
		}
		escaped := shown(string(doc), "\n\t")
		if err := json.Unmarshal([]byte(escaped), &after); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%q is printed as %q, %v", doc, escaped, err)
		}
	})
}
