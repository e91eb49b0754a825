package sqlitearchive

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// placeOrder stores an order. If the id exists and the total is the same, the stored
// values stay and only values that were unknown are filled in; with another total
// nothing changes. The event, and the conversion of the session, follow in the round
// if the session that the order then has is that of the fact: for any other, an
// earlier fact brought them.
func (b *batch) placeOrder(f *store.OrderPlaced) error {
	var meta any
	if len(f.Metadata) > 0 {
		meta = string(f.Metadata)
	}
	var session string
	var created int64
	there, err := b.c.row(`INSERT INTO orders (order_id, session_id, visitor_id, customer_id, amount, currency, metadata, created_at, refunded)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, coalesce((SELECT amount FROM awaited_refunds WHERE order_id = ?1), 0))
		ON CONFLICT DO UPDATE SET session_id = coalesce(session_id, ?2), visitor_id = coalesce(visitor_id, ?3), customer_id = coalesce(customer_id, ?4), metadata = coalesce(metadata, ?7)
			WHERE amount = ?5 AND currency = ?6
		RETURNING session_id, created_at`, func(s *stmt) { session, created = s.columnText(0), s.columnInt(1) },
		f.OrderID, null(f.SessionID), null(f.VisitorID), null(f.CustomerID), f.Total.Amount, f.Total.Currency, meta, f.CreatedAt.UnixMilli())
	if err != nil || !there { // not there: it was placed with another total
		return err
	}
	b.days.change(report.DayOfMillis(created))
	if err := b.c.exec(`DELETE FROM awaited_refunds WHERE order_id = ?`, f.OrderID); err != nil {
		return err
	}
	if session == "" || session != f.SessionID {
		return nil
	}
	e := f.Event()
	e.CreatedAt = time.UnixMilli(created).UTC()
	b.addEvent(&e)
	b.later = append(b.later, f)
	return nil
}

// convert stores in a session the latest of its orders.
func (b *batch) convert(t *touch, sessionID string) error {
	return b.c.exec(`UPDATE session_rows SET converted = 1, order_id = latest.order_id
		FROM (SELECT order_id FROM orders WHERE session_id = ?2 ORDER BY created_at DESC, order_id DESC LIMIT 1) AS latest
		WHERE number = ?1`, t.number, sessionID)
}

// refund stores a refund, and adds it to what is refunded of its order. The amount of
// an order that is not there yet waits for it.
func (b *batch) refund(f *store.OrderRefunded) error {
	if err := b.c.exec(`INSERT INTO refunds (refund_id, order_id, amount, currency, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		f.RefundID, f.OrderID, f.Amount.Amount, f.Amount.Currency, f.At.UnixMilli()); err != nil || b.c.changes() == 0 {
		return err
	}
	if err := b.changeOrders(`order_id = ?`, f.OrderID); err != nil {
		return err
	}
	if err := b.c.exec(`UPDATE orders SET refunded = min(refunded, ?3 - ?2) + ?2 WHERE order_id = ?1`, f.OrderID, f.Amount.Amount, int64(math.MaxInt64)); err != nil || b.c.changes() > 0 {
		return err
	}
	return b.c.exec(`INSERT INTO awaited_refunds (order_id, amount) VALUES (?1, ?2)
		ON CONFLICT DO UPDATE SET amount = min(amount, ?3 - ?2) + ?2`, f.OrderID, f.Amount.Amount, int64(math.MaxInt64))
}

// sumOrders adds up what was paid and refunded in a window. It does so in two parts,
// because the sum of amounts may be no int64, which is an error to SQLite.
func sumOrders(ctx context.Context, tx *sql.Tx, from, to int64, s *report.Stats) error {
	rows, err := tx.QueryContext(ctx, `SELECT currency, sum(amount >> 31), sum(amount & 0x7fffffff), sum(refunded >> 31), sum(refunded & 0x7fffffff)
		FROM orders WHERE created_at >= ? AND created_at < ? GROUP BY 1 ORDER BY 1`, from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var currency string
		var paid, paidLow, refunded, refundedLow int64
		if err := rows.Scan(&currency, &paid, &paidLow, &refunded, &refundedLow); err != nil {
			return err
		}
		s.Revenue = append(s.Revenue, store.Money{Amount: addParts(paid, paidLow), Currency: currency})
		if sum := addParts(refunded, refundedLow); sum > 0 {
			s.Refunded = append(s.Refunded, store.Money{Amount: sum, Currency: currency})
		}
	}
	return rows.Err()
}

// addParts returns the sum that two parts of it make, or the int64 nearest to it.
func addParts(high, low int64) int64 {
	high += low >> 31
	switch {
	case high > math.MaxInt64>>31:
		return math.MaxInt64
	case high < math.MinInt64>>31:
		return math.MinInt64
	}
	return high<<31 | low&0x7fffffff
}

// Order reads one order.
func (a *Archive) Order(ctx context.Context, id string) (store.Order, bool, error) {
	o := store.Order{OrderID: id}
	var session, visitor, customer, meta sql.NullString
	var created sql.NullInt64
	err := a.reader().QueryRowContext(ctx, `SELECT session_id, visitor_id, customer_id, amount, currency, metadata, created_at FROM orders WHERE order_id = ?`, id).
		Scan(&session, &visitor, &customer, &o.Total.Amount, &o.Total.Currency, &meta, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Order{}, false, nil
	}
	if err != nil {
		return store.Order{}, false, fmt.Errorf("sqlitearchive: order: %w", err)
	}
	o.SessionID, o.VisitorID, o.CustomerID, o.CreatedAt = session.String, visitor.String, customer.String, fromMillis(created)
	if meta.Valid {
		o.Metadata = json.RawMessage(meta.String)
	}
	return o, true, nil
}

// Refund reads one refund.
func (a *Archive) Refund(ctx context.Context, id string) (store.Refund, bool, error) {
	r := store.Refund{RefundID: id}
	var created sql.NullInt64
	err := a.reader().QueryRowContext(ctx, `SELECT order_id, amount, currency, created_at FROM refunds WHERE refund_id = ?`, id).
		Scan(&r.OrderID, &r.Amount.Amount, &r.Amount.Currency, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Refund{}, false, nil
	}
	if err != nil {
		return store.Refund{}, false, fmt.Errorf("sqlitearchive: refund: %w", err)
	}
	r.CreatedAt = fromMillis(created)
	return r, true, nil
}

// Refunded reads what was refunded of an order.
func (a *Archive) Refunded(ctx context.Context, orderID string) (amount int64, err error) {
	err = a.reader().QueryRowContext(ctx, `SELECT refunded FROM orders WHERE order_id = ?`, orderID).Scan(&amount)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("sqlitearchive: refunded: %w", err)
	}
	return amount, nil
}

const knowsCustomer = `SELECT EXISTS (SELECT 1 FROM session_rows WHERE customer_id = ?1) OR EXISTS (SELECT 1 FROM orders WHERE customer_id = ?1)`

// KnowsCustomer reports whether any session or order of a customer is there.
func (a *Archive) KnowsCustomer(ctx context.Context, customerID string) (known bool, err error) {
	if err := a.reader().QueryRowContext(ctx, knowsCustomer, customerID).Scan(&known); err != nil {
		return false, fmt.Errorf("sqlitearchive: customer: %w", err)
	}
	return known, nil
}
