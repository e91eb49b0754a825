package sqlitearchive

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/footfall-go/footfall/report"
)

// Days lists the UTC days of which something was stored, with their generations.
func (a *Archive) Days(ctx context.Context, from, to report.UTCDay) ([]report.DayState, error) {
	rows, err := a.reader().QueryContext(ctx, `SELECT day, generation FROM report_days WHERE day >= ? AND day < ? ORDER BY day`, from, to)
	if err != nil {
		return nil, a.readFailed("days", err)
	}
	defer rows.Close()
	var days []report.DayState
	for rows.Next() {
		var d report.DayState
		if err := rows.Scan(&d.Day, &d.Generation); err != nil {
			return nil, a.readFailed("days", err)
		}
		days = append(days, d)
	}
	return days, rows.Err()
}

// reportWords are the words of a session that reports need.
var reportWords = []string{"device", "browser", "os", "country", "city", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer", "landing_page"}

var (
	dayVisits = `SELECT s.number, s.id, s.visitor, coalesce(s.customer_id, ''), s.started_at, coalesce(a.last_seen_at, s.last_seen_at), s.converted, ` +
		rawWords("s", reportWords) + `
		FROM session_rows s LEFT JOIN activity a ON a.session = s.number WHERE s.started_at >= ?1 AND s.started_at < ?2 ORDER BY s.number`

	// dayEvents follows the lists of sessions that began in a span, and of those that are folded
	// into them, from the latest event back.
	dayEvents = `WITH RECURSIVE walk (session, back, previous, created_at, product_id, event_type, page) AS (
			SELECT s.number, 0, e.previous, e.created_at, e.product_id, e.event_type, e.page
				FROM session_rows s LEFT JOIN activity a ON a.session = s.number JOIN event_rows e ON e.id = ` + lastEvent + `
				WHERE s.started_at >= ?1 AND s.started_at < ?2
			UNION ALL
			SELECT s.number, 0, e.previous, e.created_at, e.product_id, e.event_type, e.page
				FROM session_rows s JOIN folded_sessions f ON f.into_number = s.number JOIN event_rows e ON e.id = f.last_event
				WHERE s.started_at >= ?1 AND s.started_at < ?2
			UNION ALL
			SELECT w.session, w.back + 1, e.previous, e.created_at, e.product_id, e.event_type, e.page FROM walk w JOIN event_rows e ON e.id = w.previous
		)
		SELECT session, back, created_at, coalesce(product_id, ''), event_type, page FROM walk`

	dayOrders = `SELECT o.order_id, coalesce(o.session_id, ''), coalesce(o.visitor_id, ''), coalesce(o.customer_id, ''), o.created_at, o.amount, o.refunded, o.currency
		FROM orders o WHERE o.created_at >= ?1 AND o.created_at < ?2`
)

// rawWords selects words as they are stored: a text, or a number.
func rawWords(table string, columns []string) string {
	qualified := make([]string, len(columns))
	for i, c := range columns {
		qualified[i] = table + "." + c
	}
	return strings.Join(qualified, ", ")
}

// ReadDay reads the sessions that began on a UTC day and the orders that were placed on it,
// from one snapshot of the database.
func (a *Archive) ReadDay(ctx context.Context, day report.UTCDay, read report.DayReader) error {
	tx, err := a.reader().BeginTx(ctx, nil)
	if err != nil {
		return a.readFailed("day", err)
	}
	defer tx.Rollback()
	d := dayRows{ctx: ctx, tx: tx, from: day.Start(), to: (day + 1).Start()}
	if read.Visit != nil {
		err = d.allVisits(read.Visit)
	}
	if err == nil && read.Order != nil {
		err = d.orders(read.Order)
	}
	if err != nil {
		return a.readFailed("day", err)
	}
	return nil
}

// A dayRows reads one day.
type dayRows struct {
	ctx      context.Context
	tx       *sql.Tx
	from, to int64
	words    map[int64]string
}

// visitsAtOnce is about how many sessions are read with their events at a time.
const visitsAtOnce = 5000

// allVisits reads the day in spans of few sessions, whose events are in memory.
func (d *dayRows) allVisits(each func(*report.Visit) error) error {
	if err := d.loadWords(); err != nil {
		return err
	}
	for from := d.from; from < d.to; {
		to := d.to
		err := d.tx.QueryRowContext(d.ctx, `SELECT started_at FROM session_rows WHERE started_at >= ? AND started_at < ? ORDER BY started_at LIMIT 1 OFFSET ?`, from, d.to, visitsAtOnce).Scan(&to)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		to = max(to, from+1)
		if err := d.visits(from, to, each); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (d *dayRows) visits(from, to int64, each func(*report.Visit) error) error {
	events, err := d.events(from, to)
	if err != nil {
		return err
	}
	rows, err := d.tx.QueryContext(d.ctx, dayVisits, from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	var number int64
	var v report.Visit
	words := make([]any, len(reportWords))
	var id, visitor any
	into := []any{&number, &id, &visitor, &v.CustomerID, &v.BeganAt, &v.LastSeenAt, &v.Converted}
	for i := range words {
		into = append(into, &words[i])
	}
	texts := []*string{&v.Device, &v.Browser, &v.OS, &v.Country, &v.City, &v.Channel, &v.UTMSource, &v.Medium, &v.Campaign, &v.Term, &v.Content, &v.Referrer, &v.LandingPage}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		v.SessionID, v.VisitorID = idOf(id), idOf(visitor)
		for i, t := range texts {
			*t = d.word(words[i])
		}
		v.Events = v.Events[:0]
		for len(events) > 0 && events[0].session < number {
			events = events[1:]
		}
		for len(events) > 0 && events[0].session == number {
			v.Events = append(v.Events, events[0].Event)
			events = events[1:]
		}
		if err := each(&v); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A listed is an event of a session's list.
type listed struct {
	report.Event
	session, back int64
}

// events reads the events of sessions that began in a span, by session and in their order.
func (d *dayRows) events(from, to int64) (all []listed, err error) {
	rows, err := d.tx.QueryContext(d.ctx, dayEvents, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e listed
		var kind, page any
		if err := rows.Scan(&e.session, &e.back, &e.At, &e.ProductID, &kind, &page); err != nil {
			return nil, err
		}
		e.Type, e.Page = d.word(kind), d.word(page)
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(x, y listed) int {
		switch {
		case x.session != y.session:
			return sign(x.session - y.session)
		case x.At != y.At:
			return sign(x.At - y.At)
		}
		return sign(y.back - x.back)
	})
	return all, rows.Err()
}

func sign(n int64) int { return int(min(max(n, -1), 1)) }

// loadWords reads all words: there are few.
func (d *dayRows) loadWords() error {
	rows, err := d.tx.QueryContext(d.ctx, `SELECT number, text FROM words`)
	if err != nil {
		return err
	}
	defer rows.Close()
	d.words = map[int64]string{}
	for rows.Next() {
		var n int64
		var text string
		if err := rows.Scan(&n, &text); err != nil {
			return err
		}
		d.words[n] = text
	}
	return rows.Err()
}

// word is the text of a word as it is stored.
func (d *dayRows) word(stored any) string {
	switch v := stored.(type) {
	case int64:
		return d.words[v]
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// idOf is the id that a key stands for.
func idOf(stored any) string {
	switch v := stored.(type) {
	case []byte:
		if len(v) == 16 {
			return key{uuid: [16]byte(v)}.String()
		}
		return string(v)
	case string:
		return v
	}
	return ""
}

func (d *dayRows) orders(each func(*report.Order) error) error {
	rows, err := d.tx.QueryContext(d.ctx, dayOrders, d.from, d.to)
	if err != nil {
		return err
	}
	defer rows.Close()
	var orders []report.Order
	for rows.Next() {
		var o report.Order
		if err := rows.Scan(&o.OrderID, &o.SessionID, &o.VisitorID, &o.CustomerID, &o.At, &o.Amount, &o.Refunded, &o.Currency); err != nil {
			return err
		}
		orders = append(orders, o)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range orders {
		o := &orders[i]
		if o.SessionID != "" {
			err := d.tx.QueryRowContext(d.ctx, `SELECT started_at FROM session_rows WHERE id = ?`, keyOf(o.SessionID).arg()).Scan(&o.VisitBeganAt)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		if err := each(o); err != nil {
			return err
		}
	}
	return nil
}
