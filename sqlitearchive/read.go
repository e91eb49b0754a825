package sqlitearchive

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/store"
)

func nowMillis() int64 { return time.Now().UnixMilli() }

const selectRecord = `SELECT ` + sessionColumns + ` FROM sessions WHERE id = ?`

type scanner interface{ Scan(dest ...any) error }

// scanRecord reads a row of sessionColumns.
func scanRecord(row scanner) (store.Record, error) {
	var r store.Record
	var kind string // not returned: the type follows from the customer
	var text [18]sql.NullString
	var started, seen, ended, authenticated sql.NullInt64
	var hash, superseded []byte
	if err := row.Scan(&r.SessionID, &r.VisitorID, &text[0], &kind, &text[1], &text[2], &text[3], &text[4], &text[5], &text[6], &text[7],
		&text[8], &text[9], &text[10], &text[11], &text[12], &text[13], &text[14], &text[15],
		&r.PageViews, &started, &seen, &ended, &text[16], &r.Converted, &text[17],
		&r.Version, &hash, &superseded, &authenticated); err != nil {
		return r, err
	}
	for i, field := range []*string{
		&r.CustomerID, &r.IPAddress, &r.UserAgent, &r.Country, &r.City, &r.Device, &r.Browser, &r.OS,
		&r.LandingPage, &r.Referrer, &r.Channel, &r.UTMSource, &r.UTMMedium, &r.UTMCampaign, &r.UTMTerm, &r.UTMContent,
		(*string)(&r.EndReason), &r.OrderID,
	} {
		*field = text[i].String
	}
	r.StartedAt, r.LastSeenAt = fromMillis(started), fromMillis(seen)
	r.EndedAt, r.AuthenticatedAt = fromMillis(ended), fromMillis(authenticated)
	copy(r.SecretHash[:], hash)
	copy(r.Superseded[:], superseded)
	return r, nil
}

// Session reads one session, folded or not.
func (a *Archive) Session(ctx context.Context, id string) (store.Record, bool, error) {
	d := a.opened.Load()
	r, err := scanRecord(d.reads[selectRecord].QueryRowContext(ctx, keyOf(id).arg()))
	if errors.Is(err, sql.ErrNoRows) {
		return a.foldedSession(ctx, id)
	}
	if err == nil {
		r.Values, err = values(ctx, d.reads[selectValues], id)
	}
	if err != nil {
		return store.Record{}, false, a.readFailed("session", err)
	}
	return r, true, nil
}

// foldedSession reads a session that was not found among the sessions. It reads
// both tables from one snapshot, because the session may just be moving from one
// to the other.
func (a *Archive) foldedSession(ctx context.Context, id string) (store.Record, bool, error) {
	r, ok, err := a.readFolded(ctx, id)
	if err != nil {
		return store.Record{}, false, a.readFailed("folded session", err)
	}
	return r, ok, nil
}

func (a *Archive) readFolded(ctx context.Context, id string) (r store.Record, ok bool, err error) {
	d := a.opened.Load()
	tx, err := d.read.BeginTx(ctx, nil)
	if err != nil {
		return r, false, err
	}
	defer tx.Rollback()
	r, err = scanRecord(tx.StmtContext(ctx, d.reads[selectRecord]).QueryRowContext(ctx, keyOf(id).arg()))
	if errors.Is(err, sql.ErrNoRows) {
		var record string
		err = tx.QueryRowContext(ctx, `SELECT record FROM folded_sessions WHERE id = ?`, keyOf(id).arg()).Scan(&record)
		if errors.Is(err, sql.ErrNoRows) {
			return r, false, nil
		}
		var folded foldedRecord
		if err == nil {
			err = json.Unmarshal([]byte(record), &folded)
		}
		r = folded.whole()
	}
	if err != nil {
		return r, false, err
	}
	r.Values, err = values(ctx, tx.StmtContext(ctx, d.reads[selectValues]), id)
	return r, err == nil, err
}

const selectValues = `SELECT key, value, keep FROM session_values WHERE session = coalesce((SELECT number FROM session_rows WHERE id = ?1), (SELECT number FROM folded_sessions WHERE id = ?1)) AND value IS NOT NULL`

// values reads a session's values with selectValues.
func values(ctx context.Context, stmt *sql.Stmt, id string) (map[string]store.Value, error) {
	rows, err := stmt.QueryContext(ctx, keyOf(id).arg())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values map[string]store.Value
	for rows.Next() {
		var key, value string
		var keep bool
		if err := rows.Scan(&key, &value, &keep); err != nil {
			return nil, err
		}
		if values == nil {
			values = map[string]store.Value{}
		}
		values[key] = store.Value{JSON: json.RawMessage(value), Keep: keep}
	}
	return values, rows.Err()
}

// sessions reads the sessions that the rest of a query selects.
func (a *Archive) sessions(ctx context.Context, rest string, args ...any) ([]store.Session, error) {
	rows, err := a.reader().QueryContext(ctx, `SELECT `+sessionColumns+` FROM sessions `+rest, args...)
	if err != nil {
		return nil, a.readFailed("sessions", err)
	}
	defer rows.Close()
	sessions := []store.Session{}
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, a.readFailed("sessions", err)
		}
		sessions = append(sessions, r.Session)
	}
	return sessions, rows.Err()
}

// CustomerSessions lists a customer's sessions, newest first.
func (a *Archive) CustomerSessions(ctx context.Context, customerID string, limit int) ([]store.Session, error) {
	return a.sessions(ctx, `WHERE customer_id = ? ORDER BY started_at DESC LIMIT ?`, customerID, max(limit, 0)) // to SQLite a negative limit is none
}

const countBegun = `SELECT count(*) FROM session_rows WHERE started_at >= ?`

// SessionsBegun counts the sessions that began at or after a time.
func (a *Archive) SessionsBegun(ctx context.Context, since time.Time) (n int64, err error) {
	err = a.reader().QueryRowContext(ctx, countBegun, since.UnixMilli()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("sqlitearchive: sessions begun: %w", err)
	}
	return n, nil
}
