package sqlitearchive

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/footfall-go/footfall"
)

// Append stores a batch in one transaction.
func (a *Archive) Append(ctx context.Context, facts []footfall.Fact) error {
	if a.write == nil {
		return errReadOnly
	}
	tx, err := a.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlitearchive: append: %w", err)
	}
	defer tx.Rollback()
	b := &batch{ctx: ctx, tx: tx, statements: map[string]*sql.Stmt{}}
	if err := b.apply(facts); err != nil {
		return fmt.Errorf("sqlitearchive: append: %w", classify(err))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sqlitearchive: append: %w", classify(err))
	}
	return nil
}

// A batch is the transaction of one Append. Sessions begin first, then their
// events are inserted together, then everything else follows in order; a fold
// depends on what came before it and ends such a round.
type batch struct {
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt

	touched map[string]*touch // by session id
	events  []*footfall.Event
	later   []footfall.Fact
}

// A touch is what a round changes of one session.
type touch struct {
	views     int64
	lastSeen  int64
	lastEvent int64 // 0: none
	known     bool  // it has a row
}

func (b *batch) apply(facts []footfall.Fact) error {
	for _, fact := range facts {
		switch f := fact.(type) {
		case *footfall.SessionBegun:
			if err := b.begin(&f.Record); err != nil {
				return err
			}
		case *footfall.EventRecorded:
			b.events = append(b.events, &f.Event)
		case *footfall.OrderPlaced:
			b.later = append(b.later, f)
			if f.SessionID != "" {
				e := f.Event()
				b.events = append(b.events, &e)
			}
		case *footfall.OrderRefunded:
			b.later = append(b.later, f)
			if f.SessionID != "" {
				e := f.Event()
				b.events = append(b.events, &e)
			}
		case *footfall.SessionsFolded:
			if err := b.finishRound(); err != nil {
				return err
			}
			if err := b.fold(f); err != nil {
				return err
			}
		default:
			b.later = append(b.later, f)
		}
	}
	return b.finishRound()
}

func (b *batch) finishRound() error {
	b.touched = map[string]*touch{}
	for _, e := range b.events {
		b.touch(e.SessionID)
	}
	for _, fact := range b.later {
		switch f := fact.(type) {
		case *footfall.SessionSeen:
			t := b.touch(f.SessionID)
			t.lastSeen = max(t.lastSeen, f.At.UnixMilli())
		case *footfall.CredentialsChanged: // of a folded session too
			b.touch(f.SessionID)
		case *footfall.ValueSet:
			b.touch(f.SessionID)
		}
	}
	if err := b.lookUpTouched(); err != nil {
		return err
	}
	if err := b.insertEvents(); err != nil {
		return err
	}
	if err := b.updateTouched(); err != nil {
		return err
	}
	for _, fact := range b.later {
		if err := b.control(fact); err != nil {
			return err
		}
	}
	b.events, b.later = nil, nil
	return nil
}

func (b *batch) touch(sessionID string) *touch {
	t := b.touched[sessionID]
	if t == nil {
		t = &touch{}
		b.touched[sessionID] = t
	}
	return t
}

// exec runs a statement that is prepared once a batch.
func (b *batch) exec(query string, args ...any) (sql.Result, error) {
	s, err := b.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(b.ctx, args...)
}

func (b *batch) prepare(query string) (*sql.Stmt, error) {
	s := b.statements[query]
	if s == nil {
		var err error
		if s, err = b.tx.PrepareContext(b.ctx, query); err != nil {
			return nil, err
		}
		b.statements[query] = s
	}
	return s, nil
}

const sessionColumns = `session_id, visitor_id, customer_id, type, ip_address, user_agent, country, city, device, browser, os,
	landing_page, referrer, channel, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
	page_views, started_at, last_seen_at, ended_at, end_reason, converted, order_id,
	version, secret_hash, superseded_hash, authenticated_at`

var insertSession = `INSERT INTO sessions (` + sessionColumns + `) VALUES (` + marks(30) + `) ON CONFLICT DO NOTHING`

// begin inserts a session, unless it is there.
func (b *batch) begin(r *footfall.Record) error {
	var superseded []byte
	if r.Cred.Superseded != (footfall.SecretHash{}) {
		superseded = r.Cred.Superseded[:]
	}
	if folded, err := b.isFolded(r.SessionID); err != nil || folded {
		return err
	}
	result, err := b.exec(insertSession,
		r.SessionID, r.VisitorID, null(r.CustomerID), string(r.Type), null(r.IPAddress), null(r.UserAgent), null(r.Country), null(r.City),
		null(r.Device), null(r.Browser), null(r.OS), null(r.LandingPage), null(r.Referrer), null(r.Channel),
		null(r.UTMSource), null(r.UTMMedium), null(r.UTMCampaign), null(r.UTMTerm), null(r.UTMContent),
		r.PageViews, r.StartedAt.UnixMilli(), r.LastSeenAt.UnixMilli(), millis(r.EndedAt), null(string(r.EndReason)), r.Converted, null(r.OrderID),
		r.Cred.Version, r.Cred.SecretHash[:], superseded, millis(r.Cred.AuthenticatedAt))
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	for key, value := range r.Values {
		if err := b.setValue(&footfall.ValueSet{SessionID: r.SessionID, Key: key, Value: value, At: r.StartedAt}); err != nil {
			return err
		}
	}
	if err := b.endIfRevoked(r.SessionID, &r.Cred); err != nil {
		return err
	}
	return b.sawVisitor(r.VisitorID, r.StartedAt.UnixMilli())
}

func (b *batch) sawVisitor(visitorID string, at int64) error {
	_, err := b.exec(`INSERT INTO visitors (visitor_id, first_seen_at, last_seen_at) VALUES (?1, ?2, ?2)
		ON CONFLICT DO UPDATE SET first_seen_at = min(first_seen_at, ?2), last_seen_at = max(last_seen_at, ?2)`, visitorID, at)
	return err
}

// lookUpTouched reads what the round's sessions had before it. A folded one is
// active after all, and is taken out again.
func (b *batch) lookUpTouched() error {
	const most = 100
	ids := make([]any, 0, most)
	flush := func() error {
		if len(ids) == 0 {
			return nil
		}
		for len(ids) < most { // one statement for every number of them
			ids = append(ids, nil)
		}
		s, err := b.prepare(`SELECT session_id, last_event FROM sessions WHERE session_id IN (` + marks(most) + `)`)
		if err != nil {
			return err
		}
		rows, err := s.QueryContext(b.ctx, ids...)
		if err != nil {
			return err
		}
		defer rows.Close()
		ids = ids[:0]
		for rows.Next() {
			var id string
			var last sql.NullInt64
			if err := rows.Scan(&id, &last); err != nil {
				return err
			}
			b.touched[id].lastEvent, b.touched[id].known = last.Int64, true
		}
		return rows.Err()
	}
	for id := range b.touched {
		if ids = append(ids, id); len(ids) == most {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	for id, t := range b.touched {
		if t.known {
			continue
		}
		restored, last, err := b.unfold(id)
		if err != nil {
			return err
		}
		t.known, t.lastEvent = restored, last
	}
	return nil
}

// updateTouched writes what the round changed of each session.
func (b *batch) updateTouched() error {
	for id, t := range b.touched {
		if !t.known {
			continue
		}
		if _, err := b.exec(`UPDATE sessions SET page_views = page_views + ?, last_seen_at = max(last_seen_at, ?), last_event = ? WHERE session_id = ?`,
			t.views, t.lastSeen, null(t.lastEvent), id); err != nil {
			return err
		}
	}
	return nil
}
