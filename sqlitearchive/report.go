package sqlitearchive

import (
	"context"
	"strings"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// Sessions lists sessions, newest first.
func (a *Archive) Sessions(ctx context.Context, f report.Filter) ([]store.Session, error) {
	f = f.WithDefaults()
	where, args := []string{"1"}, []any{}
	if f.Active {
		since := f.Now.Add(-report.ActiveWindow)
		where = append(where, "started_at >= ? AND last_seen_at >= ? AND ended_at IS NULL")
		args = append(args, since.Add(-a.lives.Absolute).UnixMilli(), since.UnixMilli())
	}
	if f.Converted {
		where = append(where, "converted")
	}
	return a.sessions(ctx, "WHERE "+strings.Join(where, " AND ")+" ORDER BY started_at DESC, id DESC LIMIT ?", append(args, f.Limit)...)
}

// Stats computes the figures of a window from one snapshot of the database.
func (a *Archive) Stats(ctx context.Context, w report.Window) (report.Stats, error) {
	s := report.Stats{EventsByType: map[string]int64{}, BotsByReason: map[string]int64{}, Revenue: []store.Money{}, Refunded: []store.Money{}}
	w = w.WithDefaults()
	from, to := int64(0), int64(1)<<62
	if !w.From.IsZero() {
		from = w.From.UnixMilli()
	}
	if !w.To.IsZero() {
		to = w.To.UnixMilli()
	}
	tx, err := a.reader().BeginTx(ctx, nil)
	if err != nil {
		return s, a.readFailed("stats", err)
	}
	defer tx.Rollback()
	active := func(window time.Duration, n *int64) error {
		since := w.Now.Add(-window)
		return tx.QueryRowContext(ctx, countActive,
			since.Add(-a.lives.Absolute).UnixMilli(), since.UnixMilli()).Scan(n)
	}
	groups := func(query string, each func(name string, n, m int64)) error {
		rows, err := tx.QueryContext(ctx, query, from, to)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var n, m int64
			if err := rows.Scan(&name, &n, &m); err != nil {
				return err
			}
			each(name, n, m)
		}
		return rows.Err()
	}
	for _, ask := range []func() error{
		func() error { return active(report.ActiveWindow, &s.ActiveUsers) },
		func() error { return active(5*time.Minute, &s.ActiveUsers5) },
		func() error {
			return tx.QueryRowContext(ctx, countBegun, w.Today.UnixMilli()).Scan(&s.DailyVisits)
		},
		func() error {
			return tx.QueryRowContext(ctx, `SELECT count(*), count(DISTINCT visitor), count(DISTINCT customer_id),
					coalesce(sum(last_seen_at - started_at > 10000 OR page_views >= 2 OR converted), 0), coalesce(sum(converted), 0)
				FROM sessions WHERE started_at >= ? AND started_at < ?`, from, to).Scan(&s.Sessions, &s.Visitors, &s.Customers, &s.Engaged, &s.Converted)
		},
		func() error {
			return groups(`SELECT `+wordText("e.event_type")+`, sum(n), 0 FROM (SELECT event_type, count(*) AS n FROM event_rows WHERE created_at >= ? AND created_at < ? GROUP BY 1) e GROUP BY 1`, func(name string, n, _ int64) {
				s.EventsByType[name] = n
				s.Events += n
			})
		},
		func() error { return sumOrders(ctx, tx, from, to, &s) },
		func() error {
			return tx.QueryRowContext(ctx, `SELECT count(*) FROM orders WHERE created_at >= ? AND created_at < ?`, from, to).Scan(&s.Orders)
		},
		func() error {
			return groups(`SELECT reason, count(*), 0 FROM bot_views WHERE created_at >= ? AND created_at < ? GROUP BY 1`, func(reason string, n, _ int64) {
				s.BotsByReason[reason] = n
				s.BotViews += n
			})
		},
		func() error {
			return groups(`SELECT reason, sum(count), 0 FROM uncounted_visits WHERE minute >= ? AND minute < ? AND bots GROUP BY 1`, func(reason string, n, _ int64) {
				s.BotsByReason[reason] += n
				s.BotViews += n
			})
		},
		func() error {
			return tx.QueryRowContext(ctx, `SELECT coalesce(sum(count), 0) FROM uncounted_visits WHERE minute >= ? AND minute < ? AND NOT bots`, from, to).Scan(&s.UncountedVisits)
		},
	} {
		if err := ask(); err != nil {
			return s, a.readFailed("stats", err)
		}
	}
	s.PageViews = s.EventsByType[store.EventPageView]
	if s.Sessions > 0 {
		s.BounceRate = float64(s.Sessions-s.Engaged) / float64(s.Sessions)
		s.ConversionRate = float64(s.Converted) / float64(s.Sessions)
	}
	return s, nil
}
