package sqlitearchive

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Queries that are made all the time have to use an index, however many sessions
// there are.
func TestSeedDefect37_QueriesUseIndexes(t *testing.T) {
	a, err := Open(filepath.Join(t.TempDir(), "footfall.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for name, query := range map[string]string{
		"a session":            selectRecord,
		"a session's events":   listEvents,
		"a customer's":         `SELECT session_id FROM sessions WHERE customer_id = ?1 ORDER BY started_at DESC LIMIT 10`,
		"active visitors":      strings.ReplaceAll(countActive, "?", "?1"),
		"some of the active":   strings.ReplaceAll(countActiveOf, "?", "?1"),
		"a day's visits":       `SELECT count(*) FROM sessions WHERE started_at >= ?1`,
		"an order":             `SELECT amount FROM orders WHERE order_id = ?1`,
		"a session's latest":   `SELECT order_id FROM orders WHERE session_id = ?1 ORDER BY created_at DESC, order_id DESC LIMIT 1`,
		"a known customer":     knowsCustomer,
		"a list of events":     walkList + ` SELECT id FROM walk`,
		"old unknown sessions": `SELECT number FROM unknown_sessions WHERE began_at < ?1 ORDER BY began_at LIMIT 500`,
		"awaited refunds":      `SELECT amount FROM awaited_refunds WHERE order_id = ?1`,
		"a visitor's":          `SELECT 1 FROM session_rows WHERE visitor = ?1`,
		"old sessions":         `SELECT session_id FROM sessions WHERE started_at < ?1 ORDER BY started_at LIMIT 500`,
		"old visitors":         returned,
		"others that are old":  cameOnce,
		"a row of sessions":    `SELECT * FROM sessions WHERE id = ?1`,
		"of session_events":    `SELECT * FROM session_events WHERE id = ?1`,
		"of visitors":          `SELECT * FROM visitors WHERE id = ?1`,
		"old bot views":        `SELECT id FROM bot_views WHERE created_at < ?1 ORDER BY created_at LIMIT 500`,
		"a page of the feed":   pageOfFeed,
		"its first change":     firstChange,
		"its old changes":      oldChanges,
		"a folded session's":   `SELECT number FROM folded_sessions WHERE into_number = ?1`,
		"a session's values":   selectValues,
		"a list's event":       `SELECT page FROM session_events WHERE id = ?1`,
		"words to be deleted":  deleteWords,
		"words in use":         wordsInUse,
		"a customer's cutoff":  lastCutoff,
		"a revocation":         revokeAlive,
	} {
		rows, err := a.reader().QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, arguments(query)...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if name == "a session's latest" && strings.Contains(detail, "TEMP B-TREE") {
				t.Errorf("%s: %s: a session's thousandth order would cost more than its first", name, detail)
			}
			if name == "a revocation" && strings.Contains(detail, "session_rows") && !strings.Contains(detail, "started_at>") {
				t.Errorf("%s: %s: it looks at every session that the customer ever had", name, detail)
			}
			if strings.HasPrefix(detail, "SCAN ") && !strings.Contains(detail, "walk") && !strings.Contains(detail, "json_each") && !strings.Contains(detail, "CONSTANT") {
				t.Errorf("%s: %s: it looks at every row", name, detail)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// arguments returns as many arguments as a query needs.
func arguments(query string) (args []any) {
	for n := strings.Count(query, "?"); n > 0; n-- {
		if numbered := strings.Contains(query, "?1"); !numbered || strings.Contains(query, "?"+strconv.Itoa(n)) {
			args = append(args, 1)
		}
	}
	return args
}
