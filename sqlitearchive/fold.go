package sqlitearchive

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/store"
)

// A folded session is a duplicate: a browser began it beside another session and
// did not keep its cookie. Its events move to the other session. Its record is
// kept whole, so that the session is found again if its cookie comes back after
// all.
type foldedRecord struct {
	Session store.Session
	Cred    store.Credentials
}

// whole rebuilds the record of a folded session. Its values are stored elsewhere, so
// the record has none.
func (f *foldedRecord) whole() store.Record {
	rec := store.Record{Session: f.Session}
	rec.SetCredentials(f.Cred)
	return rec
}

// fold moves a session's events into another session. It does nothing if somebody
// logged in or bought something in the session, or if other sessions were folded
// into it: then its cookie came back.
func (b *batch) fold(f *store.SessionsFolded) error {
	rec, err := scanRecord(b.tx.QueryRowContext(b.ctx, selectRecord, f.Folded))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	var there int
	if err := b.tx.QueryRowContext(b.ctx, `SELECT count(*) FROM sessions WHERE session_id = ?1 AND NOT EXISTS (SELECT 1 FROM folded_sessions WHERE into_id = ?2)`, f.Into, f.Folded).Scan(&there); err != nil {
		return err
	}
	if there == 0 || f.Into == f.Folded || rec.CustomerID != "" || rec.Converted {
		return nil
	}
	moved, err := b.listEvents(f.Folded)
	if err != nil {
		return err
	}
	own, err := b.listEvents(f.Into)
	if err != nil {
		return err
	}
	names := make([]string, len(moved))
	for i, e := range moved {
		names[i] = e.eventID
	}
	eventIDs, err := json.Marshal(names)
	if err != nil {
		return err
	}
	record, err := jsontext.Marshal(foldedRecord{rec.Session, rec.Credentials()})
	if err != nil {
		return err
	}
	if _, err := b.exec(`INSERT INTO folded_sessions (session_id, into_id, event_ids, record, folded_at) VALUES (?, ?, ?, ?, ?)`,
		f.Folded, f.Into, string(eventIDs), string(record), nowMillis()); err != nil {
		return err
	}
	if err := b.giveEvents(moved, f.Into, f.Visitor); err != nil {
		return err
	}
	if err := b.link(f.Into, append(own, moved...)); err != nil {
		return err
	}
	if _, err := b.exec(`UPDATE sessions SET page_views = page_views + ?, last_seen_at = max(last_seen_at, ?) WHERE session_id = ?`,
		rec.PageViews, rec.LastSeenAt.UnixMilli(), f.Into); err != nil {
		return err
	}
	b.sightings = append(b.sightings, sighting{f.Into, max(b.now, rec.LastSeenAt.UnixMilli())})
	if _, err := b.exec(`DELETE FROM sessions WHERE session_id = ?`, f.Folded); err != nil {
		return err
	}
	_, err = b.exec(`DELETE FROM visitors WHERE visitor_id = ?1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE visitor_id = ?1)`, rec.VisitorID)
	return err
}

// unfold restores a folded session and its events. It returns the session's
// latest event.
func (b *batch) unfold(sessionID string) (lastEvent int64, err error) {
	s, err := b.prepare(`SELECT into_id, event_ids, record FROM folded_sessions WHERE session_id = ?`)
	if err != nil {
		return 0, err
	}
	var into, eventIDs, record string
	err = s.QueryRowContext(b.ctx, sessionID).Scan(&into, &eventIDs, &record)
	if err != nil {
		return 0, err
	}
	var names []string
	var folded foldedRecord
	if err := errors.Join(json.Unmarshal([]byte(eventIDs), &names), json.Unmarshal([]byte(record), &folded)); err != nil {
		return 0, err
	}
	if _, err := b.exec(`DELETE FROM folded_sessions WHERE session_id = ?`, sessionID); err != nil {
		return 0, err
	}
	rec := folded.whole()
	if err := b.restore(&rec); err != nil {
		return 0, err
	}
	b.sightings = append(b.sightings, sighting{sessionID, folded.Session.LastSeenAt.UnixMilli()})
	all, err := b.listEvents(into)
	if err != nil {
		return 0, err
	}
	isOwn := map[string]bool{}
	for _, name := range names {
		isOwn[name] = true
	}
	var back, stay []linkedEvent
	for _, e := range all {
		if isOwn[e.eventID] {
			back = append(back, e)
		} else {
			stay = append(stay, e)
		}
	}
	if err := b.giveEvents(back, sessionID, folded.Session.VisitorID); err != nil {
		return 0, err
	}
	if err := errors.Join(b.link(into, stay), b.link(sessionID, back)); err != nil {
		return 0, err
	}
	if _, err := b.exec(`UPDATE sessions SET page_views = page_views - ? WHERE session_id = ?`, folded.Session.PageViews, into); err != nil {
		return 0, err
	}
	if t := b.touched[into]; t != nil {
		t.lastEvent = 0
		if len(stay) > 0 {
			t.lastEvent = slices.MaxFunc(stay, byID).id
		}
	}
	if len(back) == 0 {
		return 0, nil
	}
	return slices.MaxFunc(back, byID).id, nil
}

type linkedEvent struct {
	id      int64
	eventID string
}

func byID(x, y linkedEvent) int { return int(x.id - y.id) }

// listEvents returns the row ids of a session's events.
func (b *batch) listEvents(sessionID string) ([]linkedEvent, error) {
	rows, err := b.tx.QueryContext(b.ctx, walkEvents+` SELECT e.id, e.event_id FROM walk JOIN session_events e ON e.id = walk.id`, sessionID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []linkedEvent
	for rows.Next() {
		var e linkedEvent
		if err := rows.Scan(&e.id, &e.eventID); err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

func (b *batch) giveEvents(events []linkedEvent, sessionID, visitorID string) error {
	for _, e := range events {
		if _, err := b.exec(`UPDATE session_events SET session_id = ?, visitor_id = ? WHERE id = ?`, sessionID, visitorID, e.id); err != nil {
			return err
		}
	}
	return nil
}

// link makes events the linked list of a session.
func (b *batch) link(sessionID string, events []linkedEvent) error {
	slices.SortFunc(events, byID)
	previous := int64(0)
	for _, e := range events {
		if _, err := b.exec(`UPDATE session_events SET previous = ? WHERE id = ?`, null(previous), e.id); err != nil {
			return err
		}
		previous = e.id
	}
	_, err := b.exec(`UPDATE sessions SET last_event = ? WHERE session_id = ?`, null(previous), sessionID)
	return err
}
