package engine_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/report/engine"
	"github.com/footfall-go/footfall/store"
)

// A flood is a source of days on which strangers did what takes most memory. It counts the
// visits and orders that were taken.
type flood struct {
	days, visits, views, orders int
	campaign                    func(day report.UTCDay, n int) string

	taken int
}

var floodBegan = report.DayOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))

func (f *flood) Days(_ context.Context, from, to report.UTCDay) (days []report.DayState, err error) {
	for d := max(from, floodBegan); d < min(to, floodBegan+report.UTCDay(f.days)); d++ {
		days = append(days, report.DayState{Day: d, Generation: 1})
	}
	return days, nil
}

func (f *flood) ReadDay(_ context.Context, day report.UTCDay, read report.DayReader) error {
	v := report.Visit{BeganAt: day.Start(), LastSeenAt: day.Start()}
	for range f.views {
		v.Events = append(v.Events, report.Event{At: day.Start(), Type: store.EventPageView, Page: "/"})
	}
	for n := range f.visits {
		v.SessionID, v.VisitorID = fmt.Sprintf("%d-%d", day, n), fmt.Sprintf("v%d", n)
		if f.campaign != nil {
			v.Campaign = f.campaign(day, n)
		}
		f.taken++
		if err := read.Visit(&v); err != nil {
			return err
		}
	}
	for n := range f.orders {
		f.taken++
		if err := read.Order(&report.Order{OrderID: fmt.Sprint(n), At: day.Start(), Amount: 1, Currency: "EUR"}); err != nil {
			return err
		}
	}
	return nil
}

func askFlood(t *testing.T, e *engine.Engine, name, to string) error {
	t.Helper()
	q, err := report.ParseQuestion(name, url.Values{"from": {"2026-03-01"}, "to": {to}}, time.UTC, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Ask(t.Context(), q)
	return err
}

// A day that strangers filled is not read to its end, whatever they filled it with: what has
// been read of it is in memory.
func TestRoom_ADayThatDoesNotFitIsNotReadToItsEnd(t *testing.T) {
	long := strings.Repeat("x", 200)
	for what, f := range map[string]*flood{
		"visits":      {visits: 100_000},
		"page views":  {visits: 500, views: 2000},
		"orders":      {orders: 100_000},
		"long texts":  {visits: 30_000, campaign: func(_ report.UTCDay, n int) string { return fmt.Sprint(n, long) }},
		"short texts": {visits: 30_000, campaign: func(_ report.UTCDay, n int) string { return fmt.Sprint(n) }},
	} {
		f.days = 1
		e := engine.New(f, engine.Options{Bytes: 1 << 20})
		if err := askFlood(t, e, "totals", "2026-03-02"); !report.IsMistake(err) {
			t.Errorf("%s: %v: whoever asks is told to ask for less", what, err)
		}
		if all := f.visits + f.orders; f.taken > all/3 {
			t.Errorf("%s: %d of %d visits and orders are read into 1 MiB", what, f.taken, all)
		}
	}
}

// Texts and visitors are bounded over all days, and those of days that are not asked for any
// more give way.
func TestRoom_TextsOfAllDaysAreBounded(t *testing.T) {
	long := strings.Repeat("x", 200)
	f := &flood{days: 20, visits: 300, campaign: func(day report.UTCDay, n int) string { return fmt.Sprint(day, n, long) }}
	e := engine.New(f, engine.Options{Bytes: 1 << 20})
	if err := askFlood(t, e, "campaigns", "2026-03-21"); !report.IsMistake(err) {
		t.Errorf("%v: 6,000 texts of 360 bytes are no more than 1 MiB", err)
	}
	for day := range 20 {
		q, err := report.ParseQuestion("campaigns", url.Values{"from": {fmt.Sprintf("2026-03-%02d", day+1)}, "to": {fmt.Sprintf("2026-03-%02d", day+2)}}, time.UTC, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Ask(t.Context(), q); err != nil {
			t.Errorf("day %d: %v: one day fits, whatever was asked before", day+1, err)
		}
	}
}
