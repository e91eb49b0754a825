package sqlitearchive

import (
	"slices"
	"strings"

	"github.com/footfall-go/footfall/store"
)

const sessionColumns = `session_id, visitor_id, customer_id, type, ip_address, user_agent, country, city, device, browser, os,
	landing_page, referrer, channel, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
	page_views, started_at, last_seen_at, ended_at, end_reason, converted, order_id,
	version, secret_hash, superseded_hash, authenticated_at`

const (
	sessionsPerInsert = 20
	idsPerLookUp      = 100
)

var (
	insertSession  = `INSERT INTO sessions (` + sessionColumns + `, last_event) VALUES (` + marks(31) + `)`
	insertSessions = insertSession + strings.Repeat(`,(`+marks(31)+`)`, sessionsPerInsert-1)
	upsertVisitor  = `INSERT INTO visitors (visitor_id, first_seen_at, last_seen_at) VALUES (?, ?, ?)`
	widenVisit     = ` ON CONFLICT DO UPDATE SET first_seen_at = min(first_seen_at, excluded.first_seen_at), last_seen_at = max(last_seen_at, excluded.last_seen_at)`
	upsertVisitors = upsertVisitor + strings.Repeat(`,(?, ?, ?)`, sessionsPerInsert-1) + widenVisit
	lookUpSessions = `SELECT session_id, last_event FROM sessions WHERE session_id IN (` + marks(idsPerLookUp) + `)`
	lookUpFolded   = `SELECT session_id, NULL FROM folded_sessions WHERE session_id IN (` + marks(idsPerLookUp) + `)`
	updateActivity = `UPDATE sessions SET page_views = page_views + ?, last_seen_at = max(last_seen_at, ?), last_event = ? WHERE session_id = ?`
	upsertOneVisit = upsertVisitor + widenVisit
)

// lookUpTouched reads the stored state of the round's sessions and finds out
// which ones begin. A folded session with new activity is restored; one with
// nothing but a SessionBegun stays folded, because that is a replay.
func (b *batch) lookUpTouched() error {
	err := b.lookUp(lookUpSessions, b.touches, func(t *touch, lastEvent int64) { t.known, t.lastEvent = true, lastEvent })
	if err != nil {
		return err
	}
	return b.lookUpUnknown()
}

// lookUpUnknown finds out what is known of the round's sessions that have no row.
func (b *batch) lookUpUnknown() error {
	var unknown []*touch
	for _, t := range b.touches {
		if !t.known {
			unknown = append(unknown, t)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	if err := b.lookUp(lookUpFolded, unknown, func(t *touch, _ int64) { t.folded = true }); err != nil {
		return err
	}
	if err := b.lookUpAwaited(unknown); err != nil {
		return err
	}
	var err error
	for _, t := range unknown {
		switch {
		case !t.folded && t.begins != nil:
			b.fresh = append(b.fresh, t)
			if t.awaited {
				if err := b.takeOver(t); err != nil {
					return err
				}
			}
		case t.folded && t.active:
			if t.lastEvent, err = b.unfold(t.id); err != nil {
				return err
			}
			t.known = true
		case !t.folded:
			t.unknown = t.active
		}
	}
	return nil
}

// lookUp calls found for each of the sessions that a query has a row for.
func (b *batch) lookUp(query string, touches []*touch, found func(t *touch, n int64)) error {
	for chunk := range slices.Chunk(touches, idsPerLookUp) {
		s, err := b.c.prepare(query)
		if err != nil {
			return err
		}
		for _, t := range chunk {
			s.text(t.id)
		}
		for range idsPerLookUp - len(chunk) { // always the same number, so that one prepared statement serves every call
			s.null()
		}
		if err := s.rows(func(s *stmt) { found(b.touched[s.columnView(0)], s.columnInt(1)) }); err != nil {
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
		if err := execEach(b.c, insertSessions, insertSession, sessionsPerInsert, chunk, func(s *stmt, t *touch) { s.session(t.begins, t) }); err != nil {
			return err
		}
		if err := execEach(b.c, upsertVisitors, upsertOneVisit, sessionsPerInsert, chunk, func(s *stmt, t *touch) { s.visit(t.begins) }); err != nil {
			return err
		}
	}
	for _, t := range b.fresh {
		if err := b.completeBeginning(t.begins); err != nil {
			return err
		}
		if t.awaited {
			if err := b.convert(t.id); err != nil {
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
func (b *batch) restore(r *store.Record, lastEvent int64) error {
	s, err := b.c.prepare(insertSession)
	if err != nil {
		return err
	}
	s.session(r, &touch{lastEvent: lastEvent})
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
	return b.completeBeginning(r)
}

// completeBeginning stores the values that a newly inserted session began with,
// and ends the session if its customer has been revoked since it began.
func (b *batch) completeBeginning(r *store.Record) error {
	for key, value := range r.Values {
		if err := b.setValue(&store.ValueSet{SessionID: r.SessionID, Key: key, Value: value, At: r.StartedAt}); err != nil {
			return err
		}
	}
	cred := r.Credentials()
	return b.endIfRevoked(r.SessionID, &cred)
}

// session binds a row of sessionColumns, and the latest event.
func (s *stmt) session(r *store.Record, t *touch) {
	s.text(r.SessionID)
	s.text(r.VisitorID)
	s.textOrNull(r.CustomerID)
	s.text(string(r.Type()))
	for _, v := range [...]string{r.IPAddress, r.UserAgent, r.Country, r.City, r.Device, r.Browser, r.OS, r.LandingPage, r.Referrer, r.Channel,
		r.UTMSource, r.UTMMedium, r.UTMCampaign, r.UTMTerm, r.UTMContent} {
		s.textOrNull(v)
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
	s.intOrNull(t.lastEvent)
}

// visit binds a visitor as a session of its own shows it.
func (s *stmt) visit(r *store.Record) {
	s.text(r.VisitorID)
	s.int(r.StartedAt.UnixMilli())
	s.int(r.StartedAt.UnixMilli())
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
		s, err := b.c.prepare(updateActivity)
		if err != nil {
			return err
		}
		s.int(t.views)
		s.int(t.lastSeen)
		s.intOrNull(t.lastEvent)
		s.text(t.id)
		if err := s.run(); err != nil {
			return err
		}
	}
	return nil
}
