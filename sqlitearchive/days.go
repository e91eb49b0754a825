package sqlitearchive

import (
	"cmp"
	"context"
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
		"s." + strings.Join(reportWords, ", s.") + `
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
		SELECT session, back, created_at, coalesce(product_id, ''), event_type, page FROM walk LIMIT ?5`

	dayOrders = `SELECT o.order_id, coalesce(o.session_id, ''), coalesce(o.visitor_id, ''), coalesce(o.customer_id, ''), o.created_at, o.amount, o.refunded, o.currency
		FROM orders o WHERE o.created_at >= ?1 AND o.created_at < ?2 AND (o.created_at, o.order_id) > (?1, ?3) ORDER BY o.created_at, o.order_id LIMIT ?4`
)

// inSpan is true of the sessions of a span, whose borders are times and numbers of sessions.
const inSpan = `s.started_at >= ?1 AND s.started_at <= ?3 AND (s.started_at, s.number) >= (?1, ?2) AND (s.started_at, s.number) < (?3, ?4)`

// ReadDay reads the sessions that began on a UTC day and the orders that were placed on it,
// from one snapshot of the database. It opens a connection of its own: through database/sql
// a day takes twice as long.
func (a *Archive) ReadDay(ctx context.Context, day report.UTCDay, read report.DayReader) error {
	err := a.opened.Load().snapshot(ctx, func(c *conn) error {
		d := dayRows{c: c, from: day.Start(), to: (day + 1).Start()}
		if read.Visit != nil {
			if err := d.allVisits(read.Visit); err != nil {
				return err
			}
		}
		if read.Order != nil {
			return d.orders(read.Order)
		}
		return nil
	})
	if err != nil {
		return a.readFailed("day", err)
	}
	return nil
}

// snapshot calls a function with a connection that reads one snapshot of the database.
func (d *database) snapshot(ctx context.Context, read func(c *conn) error) error {
	if err := isFile(d.path, d.main); err != nil {
		return err
	}
	c, err := openConn(d.readURI, "busy_timeout(5000)")
	if err != nil {
		return err
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { c.interrupt(); close(interrupted) })
	c.ended = ctx.Done()
	err = c.script("BEGIN")
	if err == nil {
		err = read(c)
	}
	if !stop() {
		<-interrupted
		err = ctx.Err()
	}
	return errors.Join(err, c.close())
}

// A dayRows reads one day.
type dayRows struct {
	c        *conn
	from, to int64
	words    map[int64]string // those in use, and some of the others
	bytes    int              // of the others
}

// Limits on what is in memory at a time: strangers decide how many events a session has.
const (
	visitsAtOnce = 5000    // sessions whose events are read together
	eventsAtOnce = 20_000  // of several sessions; one by itself may have more
	wordsAtOnce  = 1 << 20 // bytes of words that are not in use any more
)

// A border is between the sessions of a day, which are ordered by their begin and number.
type border struct{ at, number int64 }

// errCrowded says that a span has more events than are read together.
var errCrowded = errors.New("too many events")

// allVisits reads the day in spans of few sessions, whose events are in memory.
func (d *dayRows) allVisits(each func(*report.Visit) error) error {
	d.words = map[int64]string{}
	if err := d.c.rows(wordsInUse, func(s *stmt) { d.words[s.columnInt(0)] = s.columnText(1) }); err != nil {
		return err
	}
	n, end := visitsAtOnce, border{d.to, 0}
	for from := (border{d.from, 0}); from != end; {
		to := end
		if _, err := d.c.row(`SELECT started_at, number FROM session_rows WHERE started_at >= ?1 AND started_at < ?3 AND (started_at, number) >= (?1, ?2)
			ORDER BY started_at, number LIMIT 1 OFFSET ?4`, func(s *stmt) { to = border{s.columnInt(0), s.columnInt(1)} }, from.at, from.number, d.to, n); err != nil {
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
	var rows []visitRow
	if err := d.c.rows(dayVisits, func(s *stmt) {
		r := visitRow{number: s.columnInt(0), id: s.columnKey(1), visitor: s.columnKey(2), customer: s.columnText(3), began: s.columnInt(4), seen: s.columnInt(5), converted: s.columnInt(6) != 0}
		for i := range r.words {
			r.words[i] = s.wordRef(int32(7 + i)) //nolint:gosec // there are few columns
		}
		rows = append(rows, r)
	}, from.at, from.number, to.at, to.number); err != nil {
		return 0, err
	}
	var v report.Visit
	texts := []*string{&v.Device, &v.Browser, &v.OS, &v.Country, &v.City, &v.Channel, &v.UTMSource, &v.Medium, &v.Campaign, &v.Term, &v.Content, &v.Referrer, &v.LandingPage}
	for i := range rows {
		r := &rows[i]
		v.SessionID, v.VisitorID, v.CustomerID, v.BeganAt, v.LastSeenAt, v.Converted = r.id.String(), r.visitor.String(), r.customer, r.began, r.seen, r.converted
		for i, t := range texts {
			if *t, err = d.text(r.words[i]); err != nil {
				return 0, err
			}
		}
		v.Events = v.Events[:0]
		for len(events) > 0 && events[0].session < r.number {
			events = events[1:]
		}
		for len(events) > 0 && events[0].session == r.number {
			v.Events = append(v.Events, events[0].Event)
			events = events[1:]
		}
		if err := each(&v); err != nil {
			return 0, err
		}
	}
	return read, nil
}

// A visitRow is a row of dayVisits.
type visitRow struct {
	number      int64
	id, visitor key
	customer    string
	began, seen int64
	converted   bool
	words       [13]wordRef // reportWords
}

// A wordRef is a word as it is stored: a text, or the number of one.
type wordRef struct {
	number int64 // 0: none
	text   string
}

func (s *stmt) wordRef(column int32) wordRef {
	if s.isInt(column) {
		return wordRef{number: s.columnInt(column)}
	}
	return wordRef{text: s.columnText(column)}
}

// text is the text of a word. Those that are in use are few; of others there may be many,
// because strangers bring them.
func (d *dayRows) text(w wordRef) (string, error) {
	if w.number == 0 {
		return w.text, nil
	}
	text, ok := d.words[w.number]
	if ok {
		return text, nil
	}
	if _, err := d.c.row(`SELECT text FROM words WHERE number = ?`, func(s *stmt) { text = s.columnText(0) }, w.number); err != nil {
		return "", err
	}
	if d.bytes += len(text) + wordOverhead; d.bytes < wordsAtOnce {
		d.words[w.number] = text
	}
	return text, nil
}

// A listed is an event of a session's list.
type listed struct {
	report.Event
	session, back int64
	kind, page    wordRef
}

// events reads the events of sessions that began in a span, by session and in their order.
func (d *dayRows) events(from, to border, limited bool) (all []listed, err error) {
	most := int64(-1) // none
	if limited {
		most = eventsAtOnce + 1
	}
	err = d.c.rows(dayEvents, func(s *stmt) {
		all = append(all, listed{
			report.Event{At: s.columnInt(2), ProductID: s.columnText(3)}, s.columnInt(0), s.columnInt(1), s.wordRef(4), s.wordRef(5),
		})
	}, from.at, from.number, to.at, to.number, most)
	if err != nil {
		return nil, err
	}
	if limited && len(all) > eventsAtOnce {
		return nil, errCrowded
	}
	for i := range all {
		e := &all[i]
		if e.Type, err = d.text(e.kind); err != nil {
			return nil, err
		}
		if e.Page, err = d.text(e.page); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(x, y listed) int {
		return cmp.Or(cmp.Compare(x.session, y.session), cmp.Compare(x.At, y.At), cmp.Compare(y.back, x.back))
	})
	return all, err
}

// ordersAtOnce is how many orders are read together.
const ordersAtOnce = 1000

func (d *dayRows) orders(each func(*report.Order) error) error {
	for at, after := d.from, ""; ; {
		var orders []report.Order
		if err := d.c.rows(dayOrders, func(s *stmt) {
			orders = append(orders, report.Order{
				OrderID: s.columnText(0), SessionID: s.columnText(1), VisitorID: s.columnText(2), CustomerID: s.columnText(3),
				At: s.columnInt(4), Amount: s.columnInt(5), Refunded: s.columnInt(6), Currency: s.columnText(7),
			})
		}, at, d.to, after, ordersAtOnce); err != nil {
			return err
		}
		for i := range orders {
			o := &orders[i]
			if o.SessionID != "" {
				if _, err := d.c.row(`SELECT started_at FROM session_rows WHERE id = ?`, func(s *stmt) { o.VisitBeganAt = s.columnInt(0) }, keyOf(o.SessionID).arg()); err != nil {
					return err
				}
			}
			if err := each(o); err != nil {
				return err
			}
		}
		if len(orders) < ordersAtOnce {
			return nil
		}
		last := &orders[len(orders)-1]
		at, after = last.At, last.OrderID
	}
}
