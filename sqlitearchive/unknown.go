package sqlitearchive

import "github.com/footfall-go/footfall/store"

// An unknown session is one that facts came for and that has no row: mostly it was
// deleted by its age, and a late refund came. Its events are a list like those of any
// session, whose latest one stands in unknown_sessions. If the session begins after
// all, because its beginning was on its way, it takes the list over. If it does not,
// Purge deletes the list.

var lookUpAwaited = `SELECT session_id, last_event FROM unknown_sessions WHERE session_id IN (` + marks(idsPerLookUp) + `)`

// lookUpAwaited finds those of some sessions without a row that facts came for
// before.
func (b *batch) lookUpAwaited(touches []*touch) error {
	some := false
	if _, err := b.c.row(`SELECT EXISTS (SELECT 1 FROM unknown_sessions)`, func(s *stmt) { some = s.columnInt(0) != 0 }); err != nil || !some { // almost never, and then it costs a batch of beginnings nothing
		return err
	}
	return b.lookUp(lookUpAwaited, touches, func(t *touch, lastEvent int64) { t.awaited, t.lastEvent = true, lastEvent })
}

// takeOver gives a session that begins what came for it before.
func (b *batch) takeOver(t *touch) error {
	if _, err := b.c.row(`SELECT page_views, last_seen_at FROM unknown_sessions WHERE session_id = ?`, func(s *stmt) {
		t.views, t.lastSeen = t.views+s.columnInt(0), max(t.lastSeen, s.columnInt(1))
	}, t.id); err != nil {
		return err
	}
	return b.c.exec(`DELETE FROM unknown_sessions WHERE session_id = ?`, t.id)
}

// noteUnknown notes a session that has no row, if something is stored of it.
func (b *batch) noteUnknown(t *touch) error {
	if t.lastEvent == 0 && !t.values {
		return nil
	}
	began := t.earliest
	if at, ok := store.IDTime(t.id); ok {
		began = at.UnixMilli()
	}
	if began == 0 {
		began = b.now
	}
	return b.c.exec(`INSERT INTO unknown_sessions (session_id, began_at, last_event, page_views, last_seen_at) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT DO UPDATE SET began_at = min(began_at, ?2), last_event = ?3, page_views = page_views + ?4, last_seen_at = max(last_seen_at, ?5)`,
		t.id, began, null(t.lastEvent), t.views, t.lastSeen)
}
