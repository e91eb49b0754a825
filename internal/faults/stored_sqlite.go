package faults

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // reads what is stored without using Footfall
)

// openSQLite opens the database in a directory; mode is ro or rw.
func openSQLite(dataDir, mode string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.Join(dataDir, "footfall.db")}).EscapedPath()+"?mode="+mode+"&_pragma=busy_timeout(5000)")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// readSQLite reads the contents of a database.
func readSQLite(ctx context.Context, dataDir string) (*holdings, error) {
	db, err := openSQLite(dataDir, "ro")
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	h := &holdings{views: map[string]int{}, visitors: map[string]string{}}
	err = each(ctx, db, `SELECT event_id, session_id, event_type, coalesce(page, ''), coalesce(metadata, ''), visitor_id FROM session_events`, 6, func(c []string) {
		h.events = append(h.events, storedEvent{c[0], c[1], c[2], c[3], orderIn(c[4]), c[5]})
	})
	if err == nil {
		err = each(ctx, db, `SELECT order_id, coalesce(metadata, ''), coalesce(session_id, '') FROM orders`, 3, func(c []string) {
			h.orders = append(h.orders, storedOrder{c[0], basketIn(c[1]), c[2]})
		})
	}
	if err == nil {
		err = each(ctx, db, `SELECT session_id, page_views, visitor_id FROM sessions`, 3, func(c []string) {
			n, _ := strconv.Atoi(c[1])
			h.views[c[0]], h.visitors[c[0]] = n, c[2]
		})
	}
	return h, err
}

// readFeed returns the sessions of which the feed of credential changes tells.
func readFeed(ctx context.Context, dataDir string) (sessions map[string]bool, err error) {
	db, err := openSQLite(dataDir, "ro")
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	sessions = map[string]bool{}
	err = each(ctx, db, `SELECT coalesce(session_id, '') FROM credential_changes`, 1, func(c []string) { sessions[c[0]] = true })
	return sessions, err
}

func each(ctx context.Context, db *sql.DB, query string, columns int, row func([]string)) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		cells, into := make([]string, columns), make([]any, columns)
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		row(cells)
	}
	return rows.Err()
}

// orderIn returns the id of the order that an event's metadata names.
func orderIn(metadata string) string {
	var m struct{ OrderID string }
	_ = json.Unmarshal([]byte(metadata), &m)
	return m.OrderID
}

// basketIn returns the basket that the shop stored with an order, in the form of
// basketOf.
func basketIn(metadata string) string {
	var m struct{ Items map[int]int }
	_ = json.Unmarshal([]byte(metadata), &m)
	var lines []string
	for _, product := range slices.Sorted(maps.Keys(m.Items)) {
		lines = append(lines, fmt.Sprintf("%d:%d", product, m.Items[product]))
	}
	return strings.Join(lines, ",")
}
