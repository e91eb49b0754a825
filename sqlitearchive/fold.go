package sqlitearchive

import (
	"cmp"
	"encoding/json"

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
// logged in or bought something in the session, if other sessions were folded into it
// (then its cookie came back), or if it has more than [store.MaxFoldedEvents] events.
//
// The events stay a list of their own, so that neither fold nor unfold reads the
// events of the other session, however many there are.
func (b *batch) fold(f *store.SessionsFolded) error {
	var rec store.Record
	var scanned error
	found, err := b.c.row(selectRecord, func(s *stmt) { rec, scanned = scanRecord(s) }, f.Folded)
	if err != nil || scanned != nil || !found {
		return cmp.Or(err, scanned)
	}
	var there, events, lastEvent int64
	if _, err := b.c.row(`SELECT count(*) FROM sessions WHERE session_id = ?1 AND NOT EXISTS (SELECT 1 FROM folded_sessions WHERE into_id = ?2)`,
		func(s *stmt) { there = s.columnInt(0) }, f.Into, f.Folded); err != nil {
		return err
	}
	if there == 0 || f.Into == f.Folded || rec.CustomerID != "" || rec.Converted {
		return nil
	}
	if _, err := b.c.row(`SELECT last_event FROM sessions WHERE session_id = ?`, func(s *stmt) { lastEvent = s.columnInt(0) }, f.Folded); err != nil {
		return err
	}
	if _, err := b.c.row(`SELECT count(*) FROM (`+walkList+` SELECT id FROM walk LIMIT ?2)`, func(s *stmt) { events = s.columnInt(0) },
		null(lastEvent), store.MaxFoldedEvents+1); err != nil {
		return err
	}
	if events > store.MaxFoldedEvents {
		return nil
	}
	record, err := jsontext.Marshal(foldedRecord{rec.Session, rec.Credentials()})
	if err != nil {
		return err
	}
	if err := b.c.exec(`INSERT INTO folded_sessions (session_id, into_id, last_event, record, folded_at) VALUES (?, ?, ?, ?, ?)`,
		f.Folded, f.Into, null(lastEvent), string(record), nowMillis()); err != nil {
		return err
	}
	if err := b.c.exec(giveList, null(lastEvent), f.Into, f.Visitor); err != nil {
		return err
	}
	if err := b.c.exec(`UPDATE sessions SET page_views = page_views + ?, last_seen_at = max(last_seen_at, ?) WHERE session_id = ?`,
		rec.PageViews, rec.LastSeenAt.UnixMilli(), f.Into); err != nil {
		return err
	}
	b.sightings = append(b.sightings, sighting{f.Into, max(b.now, rec.LastSeenAt.UnixMilli())})
	if err := b.c.exec(`DELETE FROM sessions WHERE session_id = ?`, f.Folded); err != nil {
		return err
	}
	return b.c.exec(`DELETE FROM visitors WHERE visitor_id = ?1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE visitor_id = ?1)`, rec.VisitorID)
}

// unfold restores a folded session and its events. It returns the session's
// latest event.
func (b *batch) unfold(sessionID string) (int64, error) {
	var into, record string
	var lastEvent int64
	if _, err := b.c.row(`SELECT into_id, last_event, record FROM folded_sessions WHERE session_id = ?`, func(s *stmt) {
		into, lastEvent, record = s.columnText(0), s.columnInt(1), s.columnText(2)
	}, sessionID); err != nil {
		return 0, err
	}
	var folded foldedRecord
	if err := json.Unmarshal([]byte(record), &folded); err != nil {
		return 0, err
	}
	if err := b.c.exec(`DELETE FROM folded_sessions WHERE session_id = ?`, sessionID); err != nil {
		return 0, err
	}
	rec := folded.whole()
	if err := b.restore(&rec, lastEvent); err != nil {
		return 0, err
	}
	b.sightings = append(b.sightings, sighting{sessionID, folded.Session.LastSeenAt.UnixMilli()})
	if err := b.c.exec(giveList, null(lastEvent), sessionID, folded.Session.VisitorID); err != nil {
		return 0, err
	}
	return lastEvent, b.c.exec(`UPDATE sessions SET page_views = page_views - ? WHERE session_id = ?`, folded.Session.PageViews, into)
}

const (
	// walkList selects the events of a list by following it from the latest one, ?1,
	// back.
	walkList = `WITH RECURSIVE walk (id) AS (
		SELECT ?1 WHERE ?1 IS NOT NULL
		UNION ALL
		SELECT e.previous FROM session_events e JOIN walk ON e.id = walk.id WHERE e.previous IS NOT NULL
	)`
	giveList = walkList + ` UPDATE session_events SET session_id = ?2, visitor_id = ?3 WHERE id IN (SELECT id FROM walk)`
)
