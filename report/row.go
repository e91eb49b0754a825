package report

import (
	"slices"
	"strings"

	"github.com/footfall-go/footfall/store"
)

// A Row is what a report says of a key, or of all. Which figures it has depends on the report.
type Row struct {
	Key     string
	HasKey  bool // false: the key is unknown
	Partial bool // only a part of the interval is in the range, or over

	Visitors, Sessions, Engaged, PageViews, Converted int64
	Orders                                            int64
	DurationMillis, Durations                         int64 // the sum, and of how many visits; of pages the time on them

	Left, Of int64 // of a funnel: visits that reached no further step; all visits

	Money []Sales // by currency, in the order of their codes

	Compared *Row // the same figures of the compared range; nil: none is compared
}

// Figure returns one of a row's figures by its name: an int64, a *float64 that is nil where
// it has no value, or []store.Money.
func (r *Row) Figure(name string) any {
	switch name {
	case "visitors":
		return r.Visitors
	case "sessions":
		return r.Sessions
	case "engaged":
		return r.Engaged
	case "pageViews":
		return r.PageViews
	case "converted":
		return r.Converted
	case "left":
		return r.Left
	case "share":
		return rate(r.Sessions, r.Of)
	case "orders":
		return r.Orders
	case "revenue":
		return r.money(func(s *Sales) int64 { return s.Revenue })
	case "refunded":
		return r.money(func(s *Sales) int64 { return s.Refunded })
	case "net":
		return r.money(func(s *Sales) int64 { return s.Revenue - s.Refunded })
	case "averageOrder":
		return r.money((*Sales).average)
	case "conversionRate":
		return rate(r.Converted, r.Sessions)
	case "bounceRate":
		return rate(r.Sessions-r.Engaged, r.Sessions)
	case "duration", "timeOnPage":
		if r.Durations == 0 {
			return (*float64)(nil)
		}
		seconds := float64(r.DurationMillis) / float64(r.Durations) / 1000
		return &seconds
	}
	panic("report: no figure " + name)
}

func rate(part, of int64) *float64 {
	if of == 0 {
		return nil
	}
	f := float64(part) / float64(of)
	return &f
}

// Sales are the orders of one currency: what they are worth, and what of that was given back.
type Sales struct {
	Currency          string
	Orders            int64
	Revenue, Refunded int64 // minor units
}

// AddSales adds orders to a row.
func (r *Row) AddSales(s Sales) {
	r.Orders += s.Orders
	i, there := slices.BinarySearchFunc(r.Money, s.Currency, func(has Sales, code string) int { return strings.Compare(has.Currency, code) })
	if !there {
		r.Money = slices.Insert(r.Money, i, Sales{Currency: s.Currency})
	}
	m := &r.Money[i]
	m.Orders += s.Orders
	m.Revenue, m.Refunded = store.AddAmounts(m.Revenue, s.Revenue), store.AddAmounts(m.Refunded, s.Refunded)
}

// money is an amount in each currency.
func (r *Row) money(amount func(*Sales) int64) []store.Money {
	list := make([]store.Money, len(r.Money))
	for i := range r.Money {
		list[i] = store.Money{Amount: amount(&r.Money[i]), Currency: r.Money[i].Currency}
	}
	return list
}

// average is the value of an order, rounded half up to the minor unit.
func (s *Sales) average() int64 {
	if s.Orders == 0 {
		return 0
	}
	average, rest := s.Revenue/s.Orders, s.Revenue%s.Orders
	if rest >= s.Orders-rest {
		average++
	}
	return average
}
