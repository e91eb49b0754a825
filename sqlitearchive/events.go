package sqlitearchive

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"unsafe"

	"github.com/footfall-go/footfall/store"
)

// Events are inserted many at a time, because most of the cost of an insert is
// the cost of executing the statement.
const eventsPerInsert = 40

const eventColumns = `id, event_id, session_id, visitor_id, event_type, page, product_id, metadata, created_at, previous`

var (
	insertEvent  = `INSERT INTO session_events (` + eventColumns + `) VALUES (` + marks(10) + `) ON CONFLICT DO NOTHING`
	insertEvents = `INSERT INTO session_events (` + eventColumns + `) VALUES ` +
		strings.TrimSuffix(strings.Repeat(`(`+marks(10)+`),`, eventsPerInsert), ",") + ` ON CONFLICT DO NOTHING`
)

// insertEvents inserts the round's events and links each to the one before it in
// its session. Events that are stored already, or occur twice in the batch, are
// skipped. Only a replay has such events, so the first attempt does not look for
// them.
func (b *batch) insertEvents() error {
	if len(b.events) == 0 {
		return nil
	}
	var last int64
	if _, err := b.c.row(`SELECT max(id) FROM session_events`, func(s *stmt) { last = s.columnInt(0) }); err != nil {
		return err
	}
	number := 0
	for chunk := range slices.Chunk(b.events, eventsPerInsert) {
		number++
		inserted, err := b.insertChunk(chunk, number, last)
		if err != nil {
			return err
		}
		last += inserted
	}
	return nil
}

// insertChunk inserts events, giving them row ids above after. number tells the
// chunk from the other chunks of the round.
func (b *batch) insertChunk(events []sessionEvent, number int, after int64) (int64, error) {
	if len(events) == eventsPerInsert {
		b.yield()
		if err := b.c.exec(`SAVEPOINT chunk`); err != nil {
			return 0, err
		}
		s, err := b.c.prepare(insertEvents)
		if err != nil {
			return 0, err
		}
		id := after
		for _, e := range events {
			id++
			if e.touch.chunk != number {
				e.touch.chunk, e.touch.previous = number, e.touch.lastEvent
			}
			s.event(e.Event, id, e.touch.previous)
			e.touch.previous = id
		}
		if err := s.run(); err != nil {
			return 0, err
		}
		whole := b.c.changes() == eventsPerInsert
		if !whole {
			if err := b.c.exec(`ROLLBACK TO chunk`); err != nil {
				return 0, err
			}
		}
		if err := b.c.exec(`RELEASE chunk`); err != nil {
			return 0, err
		}
		if whole {
			for i, e := range events {
				e.touch.note(e.Event, after+int64(i)+1)
			}
			return eventsPerInsert, nil
		}
	}
	inserted := int64(0)
	for _, e := range events {
		s, err := b.c.prepare(insertEvent)
		if err != nil {
			return inserted, err
		}
		id := after + inserted + 1
		s.event(e.Event, id, e.touch.lastEvent)
		if err := s.run(); err != nil {
			return inserted, err
		}
		if b.c.changes() == 1 {
			inserted++
			e.touch.note(e.Event, id)
		}
	}
	return inserted, nil
}

// note counts an event that was inserted.
func (t *touch) note(e *store.Event, id int64) {
	t.lastEvent = id
	if at := e.CreatedAt.UnixMilli(); t.earliest == 0 || at < t.earliest {
		t.earliest = at
	}
	switch e.EventType {
	case store.EventOrderCompleted, store.EventRefund: // not activity of the visitor: a refund may come weeks later
	default:
		t.lastSeen = max(t.lastSeen, e.CreatedAt.UnixMilli())
	}
	if e.EventType == store.EventPageView {
		t.views++
	}
}

// event binds a row of eventColumns.
func (s *stmt) event(e *store.Event, id, previous int64) {
	s.int(id)
	s.text(e.EventID)
	s.text(e.SessionID)
	s.text(e.VisitorID)
	s.text(e.EventType)
	s.textOrNull(e.Page)
	s.textOrNull(e.ProductID)
	s.textOrNull(unsafe.String(unsafe.SliceData(e.Metadata), len(e.Metadata)))
	s.int(e.CreatedAt.UnixMilli())
	s.intOrNull(previous)
}

// walkEvents selects a session's events by following its list, and those of the
// sessions that are folded into it, from the latest one back.
const walkEvents = `WITH RECURSIVE walk (id) AS (
		SELECT last_event FROM sessions WHERE session_id = ?1 AND last_event IS NOT NULL
		UNION ALL
		SELECT last_event FROM folded_sessions WHERE into_id = ?1 AND last_event IS NOT NULL
		UNION ALL
		SELECT e.previous FROM session_events e JOIN walk ON e.id = walk.id WHERE e.previous IS NOT NULL
	)`

// Events lists a session's events, oldest first, at most limit of the latest.
func (a *Archive) Events(ctx context.Context, sessionID string, limit int) ([]store.Event, error) {
	rows, err := a.reader().QueryContext(ctx, walkEvents+`
		SELECT e.event_id, e.session_id, e.visitor_id, e.event_type, e.page, e.product_id, e.metadata, e.created_at
		FROM walk JOIN session_events e ON e.id = walk.id ORDER BY e.created_at DESC, e.id DESC LIMIT ?2`, sessionID, max(limit, 0)) // to SQLite a negative limit is none
	if err != nil {
		return nil, a.readFailed("events", err)
	}
	defer rows.Close()
	events := []store.Event{}
	for rows.Next() {
		var e store.Event
		var page, product, meta sql.NullString
		var created sql.NullInt64
		if err := rows.Scan(&e.EventID, &e.SessionID, &e.VisitorID, &e.EventType, &page, &product, &meta, &created); err != nil {
			return nil, a.readFailed("events", err)
		}
		e.Page, e.ProductID, e.CreatedAt = page.String, product.String, fromMillis(created)
		if meta.Valid {
			e.Metadata = json.RawMessage(meta.String)
		}
		events = append(events, e)
	}
	slices.Reverse(events)
	return events, rows.Err()
}
