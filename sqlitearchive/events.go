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

const eventColumns = `id, session, visitor, event_type, page, product_id, metadata, created_at, previous`

var (
	insertEvent  = `INSERT INTO event_rows (` + eventColumns + `) VALUES (` + marks(9) + `) ON CONFLICT DO NOTHING`
	insertEvents = `INSERT INTO event_rows (` + eventColumns + `) VALUES ` +
		strings.TrimSuffix(strings.Repeat(`(`+marks(9)+`),`, eventsPerInsert), ",") + ` ON CONFLICT DO NOTHING`
)

// insertEvents inserts the round's events and links each to the one before it in
// its session. Events that are stored already, or occur twice in the batch, are
// skipped. Only a replay has such events, so the first attempt does not look for
// them.
func (b *batch) insertEvents() error {
	number := 0
	for chunk := range slices.Chunk(b.events, eventsPerInsert) {
		number++
		if err := b.insertChunk(chunk, number); err != nil {
			return err
		}
	}
	return nil
}

// insertChunk inserts events. number tells the chunk from the other chunks of the round.
func (b *batch) insertChunk(events []sessionEvent, number int) error {
	if len(events) == eventsPerInsert {
		b.yield()
		if err := b.c.exec(`SAVEPOINT chunk`); err != nil {
			return err
		}
		s, err := b.c.prepare(insertEvents)
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			if e.touch.chunk != number {
				e.touch.chunk, e.touch.previous = number, e.touch.lastEvent
			}
			s.event(b.words, e, e.touch.previous)
			e.touch.previous = e.id
		}
		if err := s.run(); err != nil {
			return err
		}
		whole := b.c.changes() == eventsPerInsert
		if !whole {
			if err := b.c.exec(`ROLLBACK TO chunk`); err != nil {
				return err
			}
		}
		if err := b.c.exec(`RELEASE chunk`); err != nil {
			return err
		}
		if whole {
			for i := range events {
				events[i].touch.note(&events[i])
			}
			return nil
		}
	}
	for i := range events {
		e := &events[i]
		s, err := b.c.prepare(insertEvent)
		if err != nil {
			return err
		}
		s.event(b.words, e, e.touch.lastEvent)
		if err := s.run(); err != nil {
			return err
		}
		if b.c.changes() == 1 {
			e.touch.note(e)
		}
	}
	return nil
}

// note counts an event that was inserted.
func (t *touch) note(e *sessionEvent) {
	t.lastEvent = e.id
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
func (s *stmt) event(w *words, e *sessionEvent, previous key) {
	s.key(e.id)
	s.int(e.touch.number)
	visitor := keyOf(e.VisitorID)
	if visitor == e.touch.visitor {
		s.null()
	} else {
		s.key(visitor)
	}
	s.word(w, e.EventType, visitor)
	s.word(w, e.Page, visitor)
	s.textOrNull(e.ProductID)
	s.textOrNull(unsafe.String(unsafe.SliceData(e.Metadata), len(e.Metadata)))
	s.int(e.CreatedAt.UnixMilli())
	s.key(previous)
}

// walkEvents selects the events of the session with the number ?1 by following its
// list, and those of the sessions that are folded into it, from the latest one back.
const walkEvents = `WITH RECURSIVE walk (id, back) AS (
		SELECT ` + lastEvent + `, 0 FROM session_rows s LEFT JOIN activity a ON a.session = s.number WHERE s.number = ?1 AND ` + lastEvent + ` IS NOT NULL
		UNION ALL
		SELECT last_event, 0 FROM folded_sessions WHERE into_number = ?1 AND last_event IS NOT NULL
		UNION ALL
		SELECT e.previous, back + 1 FROM event_rows e JOIN walk ON e.id = walk.id WHERE e.previous IS NOT NULL
	)`

// listEvents lists the events of the session with the key ?1, latest first.
var listEvents = strings.ReplaceAll(walkEvents, "?1", "(SELECT number FROM session_rows WHERE id = ?1)") + `
	SELECT e.event_id, e.session_id, e.visitor_id, e.event_type, e.page, e.product_id, e.metadata, e.created_at
	FROM walk JOIN session_events e ON e.id = walk.id ORDER BY e.created_at DESC, walk.back LIMIT ?2`

// Events lists a session's events, oldest first, at most limit of the latest.
func (a *Archive) Events(ctx context.Context, sessionID string, limit int) ([]store.Event, error) {
	rows, err := a.opened.Load().reads[listEvents].QueryContext(ctx, keyOf(sessionID).arg(), max(limit, 0)) // to SQLite a negative limit is none
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
