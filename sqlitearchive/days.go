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
		FROM session_rows s LEFT JOIN activity a ON a.session = s.number WHERE ` + inSpan + ` ORDER BY s.number`

	// dayEvents follows the lists of sessions that began in a span, and of those that are folded
	// into them, from the latest event back.
	dayEvents = `WITH RECURSIVE walk (session, back, previous, created_at, product_id, event_type, page) AS (
			SELECT s.number, 0, e.previous, e.created_at, e.product_id, e.event_type, e.page
				FROM session_rows s LEFT JOIN activity a ON a.session = s.number JOIN event_rows e ON e.id = ` + lastEvent + `
				WHERE ` + inSpan + `
			UNION ALL
			SELECT s.number, 0, e.previous, e.created_at, e.product_id, e.event_type, e.page
				FROM session_rows s JOIN folded_sessions f ON f.into_number = s.number JOIN event_rows e ON e.id = f.last_event
				WHERE ` + inSpan + `
			UNION ALL
			SELECT w.session, w.back + 1, e.previous, e.created_at, e.product_id, e.event_type, e.page FROM walk w JOIN event_rows e ON e.id = w.previous
		)
		SELECT session, back, created_at, coalesce(product_id, ''), event_type, page FROM walk`

	dayOrders = `SELECT o.order_id, coalesce(o.session_id, ''), coalesce(o.visitor_id, ''), coalesce(o.customer_id, ''), o.created_at, o.amount, o.refunded, o.currency
		FROM orders o WHERE o.created_at >= ?1 AND o.created_at < ?2`
)

// inSpan is true of the sessions of a span, whose borders are times and numbers of sessions.
const inSpan = `s.started_at >= ?1 AND s.started_at <= ?3 AND (s.started_at, s.number) >= (?1, ?2) AND (s.started_at, s.number) < (?3, ?4)`

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
	word     *sql.Stmt
	words    map[int64]string // some of them
	bytes    int              // of words
}

// Limits on what is in memory at a time.
const (
	visitsAtOnce = 5000      // sessions whose events are read together
	eventsAtOnce = 20_000    // of several sessions; one by itself may have more
	wordsAtOnce  = 512 << 10 // bytes
)

// A border is between the sessions of a day, which are ordered by their begin and number.
type border struct{ at, number int64 }

// errCrowded says that a span has more events than are read together.
var errCrowded = errors.New("too many events")

// allVisits reads the day in spans of few sessions, whose events are in memory.
func (d *dayRows) allVisits(each func(*report.Visit) error) error {
	var err error
	if d.word, err = d.tx.PrepareContext(d.ctx, `SELECT text FROM words WHERE number = ?`); err != nil {
		return err
	}
	defer d.word.Close()
	n, end := visitsAtOnce, border{d.to, 0}
	for from := (border{d.from, 0}); from != end; {
		to := end
		err := d.tx.QueryRowContext(d.ctx, `SELECT started_at, number FROM session_rows WHERE started_at >= ?1 AND started_at < ?3 AND (started_at, number) >= (?1, ?2)
			ORDER BY started_at, number LIMIT 1 OFFSET ?4`, from.at, from.number, d.to, n).Scan(&to.at, &to.number)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		read, err := d.visits(from, to, n > 1, each)
		switch {
		case errors.Is(err, errCrowded):
			n = max(n/8, 1)
			continue
		case err != nil:
			return err
		case read < eventsAtOnce/4:
			n = min(2*n, visitsAtOnce)
		}
		from = to
	}
	return nil
}

// visits reads the sessions of a span, and returns how many events they have. If they may not
// have more than are read together, and do, it reads none and returns errCrowded.
func (d *dayRows) visits(from, to border, limited bool, each func(*report.Visit) error) (read int, err error) {
	events, err := d.events(from, to, limited)
	if err != nil {
		return 0, err
	}
	read = len(events)
	return read, d.withEvents(from, to, events, each)
}

func (d *dayRows) withEvents(from, to border, events []listed, each func(*report.Visit) error) error {
	rows, err := d.tx.QueryContext(d.ctx, dayVisits, from.at, from.number, to.at, to.number)
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
			if *t, err = d.text(words[i]); err != nil {
				return err
			}
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
func (d *dayRows) events(from, to border, limited bool) (all []listed, err error) {
	rows, err := d.tx.QueryContext(d.ctx, dayEvents, from.at, from.number, to.at, to.number)
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
		if e.Type, err = d.text(kind); err != nil {
			return nil, err
		}
		if e.Page, err = d.text(page); err != nil {
			return nil, err
		}
		if all = append(all, e); limited && len(all) > eventsAtOnce {
			return nil, errCrowded
		}
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

// text is the text of a word as it is stored. Of those that have a number the archive may have
// many, because strangers bring them: what was read lately is kept.
func (d *dayRows) text(stored any) (string, error) {
	switch v := stored.(type) {
	case int64:
		text, ok := d.words[v]
		if ok {
			return text, nil
		}
		err := d.word.QueryRowContext(d.ctx, v).Scan(&text)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", err
		}
		if d.bytes += len(text) + 64; d.words == nil || d.bytes > wordsAtOnce {
			d.words, d.bytes = map[int64]string{}, len(text)+64
		}
		d.words[v] = text
		return text, nil
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	}
	return "", nil
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
	began, err := d.tx.PrepareContext(d.ctx, `SELECT started_at FROM session_rows WHERE id = ?`)
	if err != nil {
		return err
	}
	defer began.Close()
	for rows.Next() {
		var o report.Order
		if err := rows.Scan(&o.OrderID, &o.SessionID, &o.VisitorID, &o.CustomerID, &o.At, &o.Amount, &o.Refunded, &o.Currency); err != nil {
			return err
		}
		if o.SessionID != "" {
			err := began.QueryRowContext(d.ctx, keyOf(o.SessionID).arg()).Scan(&o.VisitBeganAt)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		if err := each(&o); err != nil {
			return err
		}
	}
	return rows.Err()
}
