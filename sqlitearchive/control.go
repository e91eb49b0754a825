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
		return b.setValue(f)
	case *store.OrderPlaced:
		return b.convert(f.SessionID)
	case *store.OrderRefunded:
		return b.refund(f)
	case *store.BotSeen:
		_, err := b.exec(`INSERT INTO bot_views (event_id, reason, user_agent, ip_address, page, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			f.EventID, f.Reason, null(f.UserAgent), null(f.IPAddress), null(f.Page), f.At.UnixMilli())
		return err
	case *store.VisitsUncounted:
		_, err := b.exec(`INSERT INTO uncounted_visits (event_id, minute, bots, reason, count) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			f.EventID, f.Minute.UnixMilli(), f.Bots, f.Reason, f.Count)
		return err
	default:
		return fmt.Errorf("%w: a fact of type %T", store.ErrRejected, fact)
	}
}

func (b *batch) setCredentials(f *store.CredentialsChanged) error {
	c := &f.Cred
	var superseded []byte
	if c.Superseded != (store.SecretHash{}) {
		superseded = c.Superseded[:]
	}
	result, err := b.exec(`UPDATE sessions SET version = ?2, secret_hash = ?3, superseded_hash = ?4, customer_id = ?5, type = ?6,
			authenticated_at = ?7, ended_at = ?8, end_reason = ?9, last_seen_at = max(last_seen_at, coalesce(?8, 0))
		WHERE session_id = ?1 AND version < ?2`,
		f.SessionID, c.Version, c.SecretHash[:], superseded, null(c.CustomerID), string(c.Type()), millis(c.AuthenticatedAt), millis(c.EndedAt), null(string(c.EndReason)))
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if _, err = b.exec(`INSERT INTO credential_changes (session_id, version, changed_at) VALUES (?, ?, ?)`, f.SessionID, c.Version, nowMillis()); err != nil {
		return err
	}
	return b.endIfRevoked(f.SessionID, c)
}

// endIfRevoked applies revocations that were stored before the login they end:
// those made after the login's password check. The result is the same as if the
// login had been stored first.
func (b *batch) endIfRevoked(sessionID string, c *store.Credentials) error {
	if c.CustomerID == "" || !c.EndedAt.IsZero() {
		return nil
	}
	_, err := b.exec(`UPDATE sessions SET ended_at = revocation.at, end_reason = ?3, version = max(version, revocation.at)
		FROM (SELECT min(revoked_before) AS at FROM credential_changes WHERE customer_id = ?2 AND revoked_before > ?4) AS revocation
		WHERE session_id = ?1 AND revocation.at IS NOT NULL`,
		sessionID, c.CustomerID, string(store.EndRevoked), unixMillis(c.AuthenticatedAt))
	return err
}

func (b *batch) revokeCustomer(f *store.CustomerRevoked) error {
	before := f.Before.UnixMilli()
	var there int
	if err := b.tx.QueryRowContext(b.ctx, `SELECT count(*) FROM credential_changes WHERE customer_id = ? AND revoked_before >= ?`, f.CustomerID, before).Scan(&there); err != nil {
		return err
	}
	if there == 0 {
		if _, err := b.exec(`INSERT INTO credential_changes (customer_id, revoked_before, changed_at) VALUES (?, ?, ?)`, f.CustomerID, before, nowMillis()); err != nil {
			return err
		}
	}
	_, err := b.exec(`UPDATE sessions SET ended_at = ?2, end_reason = ?3, version = max(version, ?2)
		WHERE customer_id = ?1 AND ended_at IS NULL AND coalesce(authenticated_at, 0) < ?2`, f.CustomerID, before, string(store.EndRevoked))
	return err
}

func (b *batch) setValue(f *store.ValueSet) error {
	var value any
	if len(f.Value.JSON) > 0 {
		value = string(f.Value.JSON)
	}
	_, err := b.exec(`INSERT INTO session_values (session_id, key, value, keep, set_at) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT DO UPDATE SET value = ?3, keep = ?4, set_at = ?5 WHERE ?5 >= set_at`, f.SessionID, f.Key, value, f.Value.Keep, f.At.UnixMilli())
	return err
}
