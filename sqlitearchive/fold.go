package sqlitearchive

import (
	"cmp"
	"encoding/json"

	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/report"
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
	if err := b.words.store(b.c, b.nextNumber); err != nil { // the record that is kept has texts: their words may be of this batch
		return err
	}
	var rec store.Record
	var scanned error
	var number, into, hostBegan, events int64
	var lastEvent, visitor key
	found, err := b.c.row(selectRecord, func(s *stmt) { rec, scanned = scanRecord(s) }, keyOf(f.Folded).arg())
	if err == nil && found && scanned == nil {
		_, err = b.c.row(`SELECT number, last_event FROM sessions WHERE id = ?`, func(s *stmt) { number, lastEvent = s.columnInt(0), s.columnKey(1) }, keyOf(f.Folded).arg())
	}
	if err != nil || scanned != nil || !found {
		return cmp.Or(err, scanned)
	}
	there, err := b.c.row(`SELECT number, visitor, started_at FROM session_rows WHERE id = ? AND NOT EXISTS (SELECT 1 FROM folded_sessions WHERE into_number = ?)`,
		func(s *stmt) { into, visitor, hostBegan = s.columnInt(0), s.columnKey(1), s.columnInt(2) }, keyOf(f.Into).arg(), number)
	if err != nil || !there || into == number || rec.CustomerID != "" || rec.Converted {
		return err
	}
	if _, err := b.c.row(`SELECT count(*) FROM (`+walkList+` SELECT id FROM walk LIMIT ?2)`, func(s *stmt) { events = s.columnInt(0) },
		lastEvent.arg(), store.MaxFoldedEvents+1); err != nil {
		return err
	}
	if events > store.MaxFoldedEvents {
		return nil
	}
	record, err := jsontext.Marshal(foldedRecord{rec.Session, rec.Credentials()})
	if err != nil {
		return err
	}
	if err := b.c.exec(`INSERT INTO folded_sessions (number, id, into_number, last_event, record, folded_at) VALUES (?, ?, ?, ?, ?, ?)`,
		number, keyOf(f.Folded).arg(), into, lastEvent.arg(), string(record), nowMillis()); err != nil {
		return err
	}
	given := keyOf(f.Visitor)
	if given == visitor {
		given = key{}
	}
	if err := b.c.exec(giveList, lastEvent.arg(), into, given.arg()); err != nil {
		return err
	}
	if err := b.addActivity(into, rec.PageViews, rec.LastSeenAt.UnixMilli()); err != nil {
		return err
	}
	b.days.change(report.DayOf(rec.StartedAt))
	b.days.change(report.DayOfMillis(hostBegan))
	b.sessions.drop(keyOf(f.Folded))
	b.sightings = append(b.sightings, sighting{into, max(b.now, rec.LastSeenAt.UnixMilli())})
	for _, query := range []string{`DELETE FROM session_rows WHERE number = ?`, `DELETE FROM activity WHERE session = ?`} {
		if err := b.c.exec(query, number); err != nil {
			return err
		}
	}
	return b.c.exec(`DELETE FROM visitor_rows WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM session_rows WHERE visitor = ?1)`, keyOf(rec.VisitorID).arg())
}

// unfold restores a folded session and its events.
func (b *batch) unfold(t *touch) error {
	var into int64
	var record string
	if _, err := b.c.row(`SELECT into_number, last_event, record FROM folded_sessions WHERE number = ?`, func(s *stmt) {
		into, t.lastEvent, record = s.columnInt(0), s.columnKey(1), s.columnText(2)
	}, t.number); err != nil {
		return err
	}
	var folded foldedRecord
	if err := json.Unmarshal([]byte(record), &folded); err != nil {
		return err
	}
	if err := b.c.exec(`DELETE FROM folded_sessions WHERE number = ?`, t.number); err != nil {
		return err
	}
	rec := folded.whole()
	if err := b.restore(t, &rec); err != nil {
		return err
	}
	t.known, t.visitor, t.day = true, keyOf(rec.VisitorID), report.DayOf(rec.StartedAt)
	if _, err := b.c.row(`SELECT started_at FROM session_rows WHERE number = ?`, func(s *stmt) { b.days.change(report.DayOfMillis(s.columnInt(0))) }, into); err != nil {
		return err
	}
	b.sightings = append(b.sightings, sighting{t.number, folded.Session.LastSeenAt.UnixMilli()})
	if err := b.c.exec(giveList, t.lastEvent.arg(), t.number, nil); err != nil {
		return err
	}
	return b.addActivity(into, -folded.Session.PageViews, 0)
}

const (
	// walkList selects the events of a list by following it from the latest one, ?1,
	// back.
	walkList = `WITH RECURSIVE walk (id) AS (
		SELECT ?1 WHERE ?1 IS NOT NULL
		UNION ALL
		SELECT e.previous FROM event_rows e JOIN walk ON e.id = walk.id WHERE e.previous IS NOT NULL
	)`
	giveList = walkList + ` UPDATE event_rows SET session = ?2, visitor = ?3 WHERE id IN (SELECT id FROM walk)`
)
