package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/report/engine"
	"github.com/footfall-go/footfall/store"
)

// synthetic is a source of days that it makes up: 2 million visits and 9 million events in 30
// days.
type synthetic struct{ days, visits int }

func (s synthetic) Days(_ context.Context, from, to report.UTCDay) (days []report.DayState, err error) {
	first := report.DayOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	for d := max(from, first); d < min(to, first+report.UTCDay(s.days)); d++ {
		days = append(days, report.DayState{Day: d, Generation: 1})
	}
	return days, nil
}

func (s synthetic) ReadDay(_ context.Context, day report.UTCDay, read report.DayReader) error {
	r := rand.New(rand.NewPCG(uint64(day), 7))
	pages := make([]string, 16_700)
	for i := range pages {
		pages[i] = fmt.Sprintf("/shop/category-%d/product-%d", i%40, i)
	}
	countries := []string{"FR", "DE", "ES", "IT", "US", "", "GB", "NL"}
	for i := range s.visits / s.days {
		began := day.Start() + int64(r.IntN(86_400_000))
		v := report.Visit{
			SessionID: fmt.Sprintf("%d-%d", day, i), VisitorID: fmt.Sprintf("v%d", r.IntN(s.visits*6/10)), BeganAt: began, LastSeenAt: began + int64(r.IntN(900_000)),
			Device: []string{"desktop", "mobile", "tablet"}[r.IntN(3)], Browser: fmt.Sprintf("Browser %d", r.IntN(12)), OS: fmt.Sprintf("OS %d", r.IntN(6)), Country: countries[r.IntN(len(countries))],
			Channel: fmt.Sprintf("Channel %d", r.IntN(14)), Campaign: fmt.Sprintf("campaign %d", r.IntN(200)), Converted: r.IntN(40) == 0,
		}
		for range 1 + r.IntN(8) {
			v.Events = append(v.Events, report.Event{At: began + int64(r.IntN(900_000)), Type: store.EventPageView, Page: pages[int(float64(len(pages))*r.Float64()*r.Float64())]})
		}
		if err := read.Visit(&v); err != nil {
			return err
		}
	}
	return nil
}

func benchmark(b *testing.B, fresh bool, p url.Values, names ...string) {
	e := engine.New(synthetic{30, 2_000_000}, engine.Options{Bytes: 1 << 30})
	now := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	p.Set("from", "2026-03-01")
	var questions []report.Question
	for _, name := range names {
		q, err := report.ParseQuestion(name, p, time.UTC, now)
		if err != nil {
			b.Fatal(err)
		}
		questions = append(questions, q)
	}
	if _, err := e.Ask(b.Context(), questions...); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if fresh {
			now = now.Add(-time.Minute) // another question
			for i := range questions {
				questions[i].Now = now
			}
		}
		if _, err := e.Ask(b.Context(), questions...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFiltered is one report under three filters, with many groups.
func BenchmarkFiltered(b *testing.B) {
	benchmark(b, true, url.Values{"filter": {"country:is:FR|DE", "device:is:mobile", "channel:not:Channel 3"}}, "landing")
}

// BenchmarkUnfiltered is the same report without filters.
func BenchmarkUnfiltered(b *testing.B) { benchmark(b, true, url.Values{}, "landing") }

// BenchmarkFirstView is what a page shows at first.
func BenchmarkFirstView(b *testing.B) {
	benchmark(b, true, url.Values{}, "totals", "series", "channels", "campaigns", "landing", "exit", "pages", "devices", "browsers", "os", "countries", "cities")
}

// BenchmarkCached is the same once it was answered.
func BenchmarkCached(b *testing.B) {
	benchmark(b, false, url.Values{}, "totals", "series", "channels", "campaigns", "landing", "exit", "pages", "devices", "browsers", "os", "countries", "cities")
}
