package sqlitearchive

import (
	"fmt"

	"github.com/footfall-go/footfall/store"
)

// control applies a fact that is neither a SessionBegun nor an event.
func (b *batch) control(fact store.Fact) error {
	switch f := fact.(type) {
	case *store.CredentialsChanged:
		return b.setCredentials(f)
	case *store.CustomerRevoked:
		return b.revokeCustomer(f)
	case *store.ValueSet:
		return b.setValue(b.touch(f.SessionID), f)
	case *store.OrderPlaced:
		return b.convert(b.touch(f.SessionID), f.SessionID)
	case *store.OrderRefunded:
		return b.refund(f)
	case *store.BotSeen:
		return b.c.exec(`INSERT INTO bot_views (event_id, reason, user_agent, ip_address, page, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			f.EventID, f.Reason, null(f.UserAgent), null(f.IPAddress), null(f.Page), f.At.UnixMilli())
	case *store.VisitsUncounted:
		return b.c.exec(`INSERT INTO uncounted_visits (event_id, minute, bots, reason, count) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			f.EventID, f.Minute.UnixMilli(), f.Bots, f.Reason, f.Count)
	default:
		return fmt.Errorf("%w: a fact of type %T", store.ErrRejected, fact)
	}
}

// setCredentials applies a change of credentials, and puts it into the feed if the
// session has a customer or had one. Whoever never had a customer cannot be taken for
// one, whatever copy of the session is found: so that is in no feed, which strangers
// could fill. A first login is in it, because an old copy has the secret from before.
func (b *batch) setCredentials(f *store.CredentialsChanged) error {
	c, t := &f.Cred, b.touch(f.SessionID)
	b.sightings = append(b.sightings, sighting{t.number, unixMillis(c.EndedAt)}) // may lie in the future, if the writer's clock was ahead
	var version int64
	var customer, ended bool
	if there, err := b.c.row(`SELECT version, customer_id IS NOT NULL, ended_at IS NOT NULL FROM session_rows WHERE number = ?`, func(s *stmt) {
		version, customer, ended = s.columnInt(0), s.columnInt(1) != 0, s.columnInt(2) != 0
	}, t.number); err != nil || !there {
		return err
	}
	if version >= c.Version {
		if !customer && ended && c.CustomerID != "" {
			return b.publishSession(f.SessionID, version) // this login is the first to give the session a customer
		}
		return nil
	}
	var superseded []byte
	if c.Superseded != (store.SecretHash{}) {
		superseded = c.Superseded[:]
	}
	err := b.c.exec(`UPDATE session_rows SET version = ?2, secret_hash = ?3, superseded_hash = ?4, customer_id = ?5, authenticated_at = ?6, ended_at = ?7, end_reason = ?8
		WHERE number = ?1`,
		t.number, c.Version, c.SecretHash[:], superseded, null(c.CustomerID), millis(c.AuthenticatedAt), millis(c.EndedAt), null(string(c.EndReason)))
	if err == nil && !c.EndedAt.IsZero() {
		err = b.addActivity(t.number, 0, c.EndedAt.UnixMilli())
	}
	if err != nil || !customer && c.CustomerID == "" {
		return err
	}
	if err := b.publishSession(f.SessionID, c.Version); err != nil {
		return err
	}
	return b.endIfRevoked(t, c)
}

// stamp is when a change was made in the feed: never before that of the change
// before it, whatever the clock says. So changes that are too old to be needed are the
// first ones of the feed.
const stamp = `max(?, coalesce((SELECT changed_at FROM credential_changes ORDER BY seq DESC LIMIT 1), 0))`

// publishSession puts into the feed that no version of a session below one counts any
// more, unless it is there.
func (b *batch) publishSession(sessionID string, version int64) error {
	return b.c.exec(`INSERT INTO credential_changes (session_id, version, changed_at) SELECT ?, ?, `+stamp+`
		WHERE NOT EXISTS (SELECT 1 FROM credential_changes WHERE session_id = ? AND version = ?)`, sessionID, version, nowMillis(), sessionID, version)
}

// endIfRevoked applies revocations that were stored before the login they end:
// those made after the login's password check, while the session was alive. The
// result is the same as if the login had been stored first.
func (b *batch) endIfRevoked(t *touch, c *store.Credentials) error {
	if c.CustomerID == "" || !c.EndedAt.IsZero() {
		return nil
	}
	return b.c.exec(`UPDATE session_rows SET ended_at = revocation.at, end_reason = ?3, version = max(version, revocation.at)
		FROM (SELECT min(revoked_before) AS at FROM credential_changes WHERE customer_id = ?2 AND revoked_before > ?4) AS revocation
		WHERE number = ?1 AND started_at > revocation.at - ?5 AND `+lastSeen+` > revocation.at - ?6`,
		t.number, c.CustomerID, string(store.EndRevoked), unixMillis(c.AuthenticatedAt), b.lives.Absolute.Milliseconds(), b.lives.Idle.Milliseconds())
}

// revokeAlive ends the sessions of a customer that are alive. How many it reads is
// bounded by how many of them began within a session's greatest age, not by how many
// the customer ever had.
const revokeAlive = `UPDATE session_rows SET ended_at = ?2, end_reason = ?3, version = max(version, ?2)
	WHERE customer_id = ?1 AND started_at > ?4 AND ` + lastSeen + ` > ?5 AND ended_at IS NULL AND coalesce(authenticated_at, 0) < ?2`

// lastSeen is when a session in session_rows was last seen.
const lastSeen = `coalesce((SELECT a.last_seen_at FROM activity a WHERE a.session = number), last_seen_at)`

// revokeCustomer puts a revocation into the feed and ends the customer's sessions that
// it finds alive. What is over stays as it ended. A session that another process knows
// to be alive, because of activity that has not arrived here, is closed by the feed.
func (b *batch) revokeCustomer(f *store.CustomerRevoked) error {
	before := f.Before.UnixMilli()
	err := b.c.exec(`INSERT INTO credential_changes (customer_id, revoked_before, changed_at) SELECT ?, ?, `+stamp+`
		WHERE NOT EXISTS (SELECT 1 FROM credential_changes WHERE customer_id = ? AND revoked_before >= ?)`, f.CustomerID, before, nowMillis(), f.CustomerID, before)
	if err != nil {
		return err
	}
	return b.c.exec(revokeAlive, f.CustomerID, before, string(store.EndRevoked), before-b.lives.Absolute.Milliseconds(), before-b.lives.Idle.Milliseconds())
}

// maxRemoved is how many removed values a session remembers by their keys. A shop may let
// visitors choose keys, so that there would be rows without end, and whoever reads the
// session looks at each. Of earlier ones the row of the empty key, which no value has, is
// the time of the latest: a value that was set before that is not stored under a key that
// is not there.
const maxRemoved = 64

const (
	upsertValue = `INSERT INTO session_values (session, key, value, keep, set_at) SELECT ?1, ?2, ?3, ?4, ?5
		WHERE NOT EXISTS (SELECT 1 FROM session_values WHERE session = ?1 AND key = '' AND set_at > ?5) OR EXISTS (SELECT 1 FROM session_values WHERE session = ?1 AND key = ?2)
		ON CONFLICT DO UPDATE SET value = ?3, keep = ?4, set_at = ?5 WHERE ?5 >= set_at`
	firstTooMany  = `SELECT set_at FROM session_values WHERE session = ?1 AND value IS NULL AND key <> '' ORDER BY set_at DESC LIMIT 1 OFFSET ?2`
	forgetRemoved = `DELETE FROM session_values WHERE session = ?1 AND value IS NULL AND key <> '' AND set_at <= ?2`
	noteForgotten = `INSERT INTO session_values (session, key, set_at) VALUES (?1, '', ?2) ON CONFLICT DO UPDATE SET set_at = max(set_at, ?2)`
)

func (b *batch) setValue(t *touch, f *store.ValueSet) error {
	var value any
	if len(f.Value.JSON) > 0 {
		value = string(f.Value.JSON)
	}
	if err := b.c.exec(upsertValue, t.number, f.Key, value, f.Value.Keep, f.At.UnixMilli()); err != nil || value != nil {
		return err
	}
	var at int64
	if many, err := b.c.row(firstTooMany, func(s *stmt) { at = s.columnInt(0) }, t.number, maxRemoved); err != nil || !many {
		return err
	}
	if err := b.c.exec(forgetRemoved, t.number, at); err != nil {
		return err
	}
	return b.c.exec(noteForgotten, t.number, at)
}
