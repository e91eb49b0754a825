package sqlitearchive

import (
	"bytes"
	"slices"
	"strings"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// sessionColumns are the columns of the view sessions that make a record.
const sessionColumns = `session_id, visitor_id, customer_id, type, ip_address, user_agent, country, city, device, browser, os,
	landing_page, referrer, channel, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
	page_views, started_at, last_seen_at, ended_at, end_reason, converted, order_id,
	version, secret_hash, superseded_hash, authenticated_at`

const (
	sessionsPerInsert = 20
	idsPerLookUp      = 100
)

var (
	insertSession = `INSERT INTO session_rows (number, id, visitor, customer_id, ip_address, ` + strings.Join(wordsOfSession, ", ") + `, page_views, started_at, last_seen_at,
		ended_at, end_reason, converted, order_id, version, secret_hash, superseded_hash, authenticated_at, last_event) VALUES (` + marks(31) + `)`
	insertSessions = insertSession + strings.Repeat(`,(`+marks(31)+`)`, sessionsPerInsert-1)
	upsertVisitor  = `INSERT INTO visitor_rows (id, first_seen_at, last_seen_at) VALUES (?, ?, ?)`
	widenVisit     = ` ON CONFLICT DO UPDATE SET first_seen_at = min(first_seen_at, excluded.first_seen_at),
		last_seen_at = max(coalesce(last_seen_at, first_seen_at), excluded.first_seen_at)`
	upsertVisitors = upsertVisitor + strings.Repeat(`,(?, ?, ?)`, sessionsPerInsert-1) + widenVisit
	upsertOneVisit = upsertVisitor + widenVisit
	lookUpSessions = `SELECT s.id, s.number, ` + lastEvent + `, s.visitor, a.session, s.started_at FROM session_rows s LEFT JOIN activity a ON a.session = s.number WHERE s.id IN (` + marks(idsPerLookUp) + `)`
	lookUpFolded   = `SELECT id, number FROM folded_sessions WHERE id IN (` + marks(idsPerLookUp) + `)`
)

const (
	updateActivity = `UPDATE activity SET page_views = page_views + ?, last_seen_at = max(last_seen_at, ?), last_event = ? WHERE session = ?`
	insertActivity = `INSERT INTO activity (session, page_views, last_seen_at, last_event)
		SELECT number, page_views + ?, max(last_seen_at, ?), ? FROM session_rows WHERE number = ?`
)

// lookUpTouched reads the stored state of the round's sessions and finds out
// which ones begin. A folded session with new activity is restored; one with
// nothing but a SessionBegun stays folded, because that is a replay.
func (b *batch) lookUpTouched() error {
	b.misses = b.misses[:0]
	for _, t := range b.touches {
		if !b.sessions.find(t) {
			b.misses = append(b.misses, t)
		}
	}
	err := b.lookUp(lookUpSessions, b.misses, func(t *touch, s *stmt) {
		t.known, t.number, t.lastEvent, t.visitor, t.hasOwn = true, s.columnInt(1), s.columnKey(2), s.columnKey(3), !s.isNull(4)
		t.day = report.DayOfMillis(s.columnInt(5))
	})
	if err != nil {
		return err
	}
	return b.lookUpUnknown()
}

// lookUpUnknown finds out what is known of the round's sessions that have no row, and
// gives a number to those that have none.
func (b *batch) lookUpUnknown() error {
	var unknown []*touch
	for _, t := range b.misses {
		if !t.known {
			unknown = append(unknown, t)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	if err := b.lookUpSome(`folded_sessions`, lookUpFolded, unknown, func(t *touch, s *stmt) { t.folded, t.number = true, s.columnInt(1) }); err != nil {
		return err
	}
	if err := b.lookUpSome(`unknown_sessions`, lookUpAwaited, unknown, func(t *touch, s *stmt) {
		t.awaited, t.number, t.lastEvent = true, s.columnInt(1), s.columnKey(2)
	}); err != nil {
		return err
	}
	for _, t := range unknown {
		if t.number == 0 {
			t.number = b.nextNumber
			b.nextNumber++
		}
		switch {
		case !t.folded && t.begins != nil:
			t.visitor, t.day = keyOf(t.begins.VisitorID), report.DayOf(t.begins.StartedAt)
			b.days.change(t.day)
			b.fresh = append(b.fresh, t)
			if t.awaited {
				if err := b.takeOver(t); err != nil {
					return err
				}
			}
		case t.folded && t.active:
			if err := b.unfold(t); err != nil {
				return err
			}
		case !t.folded:
			t.unknown = t.active
		}
	}
	return nil
}

// lookUpSome looks up sessions in a table that has no rows most of the time, and then
// costs a batch of beginnings nothing.
func (b *batch) lookUpSome(table, query string, touches []*touch, found func(t *touch, s *stmt)) error {
	some := false
	if _, err := b.c.row(`SELECT EXISTS (SELECT 1 FROM `+table+`)`, func(s *stmt) { some = s.columnInt(0) != 0 }); err != nil || !some {
		return err
	}
	return b.lookUp(query, touches, found)
}

// lookUp calls found for each of the sessions that a query has a row for, whose first
// column is the session's key.
func (b *batch) lookUp(query string, touches []*touch, found func(t *touch, s *stmt)) error {
	for chunk := range slices.Chunk(touches, idsPerLookUp) {
		s, err := b.c.prepare(query)
		if err != nil {
			return err
		}
		for _, t := range chunk {
			s.key(t.id)
		}
		for range idsPerLookUp - len(chunk) { // always the same number, so that one prepared statement serves every call
			s.null()
		}
		if err := s.rows(func(s *stmt) { found(b.touched[s.columnKey(0)], s) }); err != nil {
			return err
		}
	}
	return nil
}

// insertFresh inserts the sessions that begin, including the effect of the
// round's events on them.
func (b *batch) insertFresh() error {
	for chunk := range slices.Chunk(b.fresh, sessionsPerInsert) {
		b.yield()
		if err := execEach(b.c, insertSessions, insertSession, sessionsPerInsert, chunk, func(s *stmt, t *touch) { s.session(b.words, t.begins, t) }); err != nil {
			return err
		}
		if err := execEach(b.c, upsertVisitors, upsertOneVisit, sessionsPerInsert, chunk, func(s *stmt, t *touch) { s.visit(t.begins) }); err != nil {
			return err
		}
	}
	for _, t := range b.fresh {
		if err := b.completeBeginning(t, t.begins); err != nil {
			return err
		}
		if t.awaited {
			if err := b.convert(t, t.begins.SessionID); err != nil {
				return err
			}
			if err := b.changeOrders(`session_id = ?`, t.begins.SessionID); err != nil { // which now have a visit
				return err
			}
		}
	}
	return nil
}

// execEach runs a statement for rows whose number it takes, and for any other number of
// rows a statement for a single row for each.
func execEach[T any](c *conn, many, single string, takes int, rows []T, bind func(s *stmt, row T)) error {
	if len(rows) == takes {
		s, err := c.prepare(many)
		if err != nil {
			return err
		}
		for _, row := range rows {
			bind(s, row)
		}
		return s.run()
	}
	for _, row := range rows {
		s, err := c.prepare(single)
		if err != nil {
			return err
		}
		bind(s, row)
		if err := s.run(); err != nil {
			return err
		}
	}
	return nil
}

// restore inserts a session that is no longer folded.
func (b *batch) restore(t *touch, r *store.Record) error {
	s, err := b.c.prepare(insertSession)
	if err != nil {
		return err
	}
	s.session(b.words, r, &touch{number: t.number, lastEvent: t.lastEvent})
	if err := s.run(); err != nil {
		return err
	}
	if s, err = b.c.prepare(upsertOneVisit); err != nil {
		return err
	}
	s.visit(r)
	if err := s.run(); err != nil {
		return err
	}
	return b.completeBeginning(t, r)
}

// completeBeginning stores the values that a newly inserted session began with,
// and ends the session if its customer has been revoked since it began.
func (b *batch) completeBeginning(t *touch, r *store.Record) error {
	for name, value := range r.Values {
		if err := b.setValue(t, &store.ValueSet{SessionID: r.SessionID, Key: name, Value: value, At: r.StartedAt}); err != nil {
			return err
		}
	}
	cred := r.Credentials()
	return b.endIfRevoked(t, &cred)
}

// session binds a row of session_rows.
func (s *stmt) session(w *words, r *store.Record, t *touch) {
	visitor := keyOf(r.VisitorID)
	s.int(t.number)
	s.key(keyOf(r.SessionID))
	s.key(visitor)
	s.textOrNull(r.CustomerID)
	s.textOrNull(r.IPAddress)
	for _, v := range [...]string{r.UserAgent, r.Country, r.City, r.Device, r.Browser, r.OS, r.LandingPage, r.Referrer, r.Channel,
		r.UTMSource, r.UTMMedium, r.UTMCampaign, r.UTMTerm, r.UTMContent} {
		s.word(w, v, visitor)
	}
	s.int(r.PageViews + t.views)
	s.int(r.StartedAt.UnixMilli())
	s.int(max(r.LastSeenAt.UnixMilli(), t.lastSeen))
	s.timeOrNull(r.EndedAt)
	s.textOrNull(string(r.EndReason))
	s.bool(r.Converted)
	s.textOrNull(r.OrderID)
	s.int(r.Version)
	s.blobOrNull(r.SecretHash[:])
	if r.Superseded == (store.SecretHash{}) {
		s.null()
	} else {
		s.blobOrNull(r.Superseded[:])
	}
	s.timeOrNull(r.AuthenticatedAt)
	s.key(t.lastEvent)
}

// visit binds a visitor as a session of its own shows it.
func (s *stmt) visit(r *store.Record) {
	k, at := keyOf(r.VisitorID), r.StartedAt.UnixMilli()
	s.key(k)
	s.int(at)
	if next := keyAt(at + 1); at >= 0 && k.text == "" && bytes.Compare(k.uuid[:], next.uuid[:]) < 0 {
		s.null()
	} else {
		s.int(at)
	}
}

// updateTouched writes the round's changes to sessions that existed before it.
func (b *batch) updateTouched() error {
	for _, t := range b.touches {
		if t.unknown {
			if err := b.noteUnknown(t); err != nil {
				return err
			}
		}
		if !t.known || !t.active {
			continue
		}
		b.days.change(t.day)
		query := insertActivity
		if t.hasOwn {
			query = updateActivity
		}
		s, err := b.c.prepare(query)
		if err != nil {
			return err
		}
		s.int(t.views)
		s.int(t.lastSeen)
		s.key(t.lastEvent)
		s.int(t.number)
		if err := s.run(); err != nil {
			return err
		}
		t.hasOwn = true
		b.sessions.keep(t)
	}
	return nil
}

// addActivity adds views to a session, which may be negative, and an activity.
func (b *batch) addActivity(number, views, seen int64) error {
	if err := b.c.exec(`UPDATE activity SET page_views = page_views + ?, last_seen_at = max(last_seen_at, ?) WHERE session = ?`, views, seen, number); err != nil || b.c.changes() > 0 {
		return err
	}
	return b.c.exec(`UPDATE session_rows SET page_views = page_views + ?, last_seen_at = max(last_seen_at, ?) WHERE number = ?`, views, seen, number)
}
