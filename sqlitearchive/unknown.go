package sqlitearchive

import "github.com/footfall-go/footfall/store"

// An unknown session is one that facts came for and that has no row: mostly it was
// deleted by its age, and a late refund came. Its events are a list like those of any
// session, whose latest one stands in unknown_sessions. If the session begins after
// all, because its beginning was on its way, it takes the list over. If it does not,
// Purge deletes the list.

var lookUpAwaited = `SELECT id, number, last_event FROM unknown_sessions WHERE id IN (` + marks(idsPerLookUp) + `)`

// takeOver gives a session that begins what came for it before.
func (b *batch) takeOver(t *touch) error {
	if _, err := b.c.row(`SELECT page_views, last_seen_at FROM unknown_sessions WHERE number = ?`, func(s *stmt) {
		t.views, t.lastSeen = t.views+s.columnInt(0), max(t.lastSeen, s.columnInt(1))
	}, t.number); err != nil {
		return err
	}
	return b.c.exec(`DELETE FROM unknown_sessions WHERE number = ?`, t.number)
}

// noteUnknown notes a session that has no row, if something is stored of it.
func (b *batch) noteUnknown(t *touch) error {
	if t.lastEvent == (key{}) && !t.values {
		return nil
	}
	began := t.earliest
	if at, ok := store.IDTime(t.id.String()); ok {
		began = at.UnixMilli()
	}
	if began == 0 {
		began = b.now
	}
	return b.c.exec(`INSERT INTO unknown_sessions (number, id, began_at, last_event, page_views, last_seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT DO UPDATE SET began_at = min(began_at, ?3), last_event = ?4, page_views = page_views + ?5, last_seen_at = max(last_seen_at, ?6)`,
		t.number, t.id.arg(), began, t.lastEvent.arg(), t.views, t.lastSeen)
}
