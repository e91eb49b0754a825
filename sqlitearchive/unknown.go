package sqlitearchive

import (
	"database/sql"

	"github.com/footfall-go/footfall/store"
)

// An unknown session is one that facts came for and that has no row: mostly it was
// deleted by its age, and a late refund came. Its events are a list like those of any
// session, whose latest one stands in unknown_sessions. If the session begins after
// all, because its beginning was on its way, it takes the list over. If it does not,
// Purge deletes the list.

var (
	lookUpAwaited = `SELECT session_id, last_event FROM unknown_sessions WHERE session_id IN (` + marks(idsPerLookUp) + `)`
	walkUnknown   = `WITH RECURSIVE walk (id) AS (
		SELECT last_event FROM unknown_sessions WHERE session_id = ?1 AND last_event IS NOT NULL
		UNION ALL
		SELECT e.previous FROM session_events e JOIN walk ON e.id = walk.id WHERE e.previous IS NOT NULL
	)`
)

// lookUpAwaited finds those of some sessions without a row that facts came for
// before.
func (b *batch) lookUpAwaited(touches []*touch) error {
	s, err := b.prepare(`SELECT EXISTS (SELECT 1 FROM unknown_sessions)`)
	if err != nil {
		return err
	}
	var some bool
	if err := s.QueryRowContext(b.ctx).Scan(&some); err != nil || !some { // almost never, and then it costs a batch of beginnings nothing
		return err
	}
	return b.lookUp(lookUpAwaited, touches, func(t *touch, lastEvent int64) { t.awaited, t.lastEvent = true, lastEvent })
}

// takeOver gives a session that begins what came for it before.
func (b *batch) takeOver(t *touch) error {
	s, err := b.prepare(walkUnknown + ` SELECT count(CASE event_type WHEN ?2 THEN 1 END), max(CASE WHEN event_type NOT IN (?3, ?4) THEN created_at END)
		FROM walk JOIN session_events e ON e.id = walk.id`)
	if err != nil {
		return err
	}
	var views int64
	var lastSeen sql.NullInt64
	if err := s.QueryRowContext(b.ctx, t.id, store.EventPageView, store.EventOrderCompleted, store.EventRefund).Scan(&views, &lastSeen); err != nil {
		return err
	}
	t.views, t.lastSeen = t.views+views, max(t.lastSeen, lastSeen.Int64)
	_, err = b.exec(`DELETE FROM unknown_sessions WHERE session_id = ?`, t.id)
	return err
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
	_, err := b.exec(`INSERT INTO unknown_sessions (session_id, began_at, last_event) VALUES (?1, ?2, ?3)
		ON CONFLICT DO UPDATE SET began_at = min(began_at, ?2), last_event = ?3`, t.id, began, null(t.lastEvent))
	return err
}
