package sqlitearchive

import (
	"database/sql"
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
		args := make([]any, idsPerLookUp) // always the same number, so that one prepared statement serves every call
		for i, t := range chunk {
			args[i] = t.id
		}
		if err := b.lookUpChunk(query, args, found); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) lookUpChunk(query string, args []any, found func(t *touch, n int64)) error {
	s, err := b.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(b.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var n sql.NullInt64
		if err := rows.Scan(&id, &n); err != nil {
			return err
		}
		found(b.touched[id], n.Int64)
	}
	return rows.Err()
}

// insertFresh inserts the sessions that begin, including the effect of the
// round's events on them.
func (b *batch) insertFresh() error {
	for chunk := range slices.Chunk(b.fresh, sessionsPerInsert) {
		args := b.args[:0]
		for _, t := range chunk {
			args = appendSessionArgs(args, t.begins, t)
		}
		b.args = args
		if err := b.execEach(insertSessions, insertSession, len(chunk), args); err != nil {
			return err
		}
		args = b.args[:0]
		for _, t := range chunk {
			began := t.begins.StartedAt.UnixMilli()
			args = append(args, t.begins.VisitorID, began, began)
		}
		if err := b.execEach(upsertVisitors, upsertOneVisit, len(chunk), args); err != nil {
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

// execEach runs a statement for many rows at a time, and a statement for a single
// row for each of the remaining ones.
func (b *batch) execEach(many, single string, rows int, args []any) error {
	if rows == sessionsPerInsert {
		_, err := b.exec(many, args...)
		return err
	}
	for row := range slices.Chunk(args, len(args)/rows) {
		if _, err := b.exec(single, row...); err != nil {
			return err
		}
	}
	return nil
}

// restore inserts a session that is no longer folded.
func (b *batch) restore(r *store.Record, lastEvent int64) error {
	if _, err := b.exec(insertSession, appendSessionArgs(nil, r, &touch{lastEvent: lastEvent})...); err != nil {
		return err
	}
	began := r.StartedAt.UnixMilli()
	if _, err := b.exec(upsertOneVisit, r.VisitorID, began, began); err != nil {
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

func appendSessionArgs(args []any, r *store.Record, t *touch) []any {
	var superseded []byte
	if r.Superseded != (store.SecretHash{}) {
		superseded = r.Superseded[:]
	}
	return append(args,
		r.SessionID, r.VisitorID, null(r.CustomerID), string(r.Type()), null(r.IPAddress), null(r.UserAgent), null(r.Country), null(r.City),
		null(r.Device), null(r.Browser), null(r.OS), null(r.LandingPage), null(r.Referrer), null(r.Channel),
		null(r.UTMSource), null(r.UTMMedium), null(r.UTMCampaign), null(r.UTMTerm), null(r.UTMContent),
		r.PageViews+t.views, r.StartedAt.UnixMilli(), max(r.LastSeenAt.UnixMilli(), t.lastSeen), millis(r.EndedAt), null(string(r.EndReason)), r.Converted, null(r.OrderID),
		r.Version, r.SecretHash[:], superseded, millis(r.AuthenticatedAt), null(t.lastEvent))
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
		if _, err := b.exec(updateActivity, t.views, t.lastSeen, null(t.lastEvent), t.id); err != nil {
			return err
		}
	}
	return nil
}
