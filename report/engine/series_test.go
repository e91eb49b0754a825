package engine_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/ledger"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/report/engine"
)

// A series has each interval's figures, also of an hour that occurs twice, and they add up to
// the total.
func TestSeries_EqualsTheLedger(t *testing.T) {
	from := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	l := ledger.Generate(2, 1200, from, 30)
	e := engine.New(openSQLite(t, l), engine.Options{})
	now := time.Date(2026, 4, 10, 12, 34, 0, 0, time.UTC)
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/Santiago"} {
		for _, interval := range []report.Interval{report.Hour, report.Day, report.Week, report.Month} {
			q, a := ask(t, e, "series", zone, now, url.Values{"from": {"2026-03-25"}, "to": {"2026-04-15"}, "interval": {string(interval)}, "filter": {"device:not:mobile"}, "compare": {"previous"}})
			what := fmt.Sprintf("series by %s in %s", interval, zone)
			for i := range a.Rows {
				r := &a.Rows[i]
				begin, err := time.ParseInLocation(time.DateOnly, r.Key, q.Zone)
				if interval == report.Hour {
					begin, err = time.Parse("2006-01-02T15:04-07:00", r.Key)
				}
				if err != nil {
					t.Fatal(err)
				}
				end := begin.Add(time.Hour)
				switch interval {
				case report.Day:
					end = begin.AddDate(0, 0, 1)
				case report.Week:
					end = begin.AddDate(0, 0, 7)
				case report.Month:
					end = begin.AddDate(0, 1, 0)
				}
				partial := begin.Before(q.From) || end.After(q.To) || end.After(now)
				if r.Partial != partial {
					t.Errorf("%s: row %s is partial: %v, want %v", what, r.Key, r.Partial, partial)
				}
				within := report.Range{From: later(begin, q.From), To: earlier(end, q.To)}
				want, _, _ := l.Sums(q, within, func(*ledger.Visit) []string { return nil })
				if g, w := ledger.Text(r), want.Text(false); g != w {
					t.Errorf("%s, row %s:\n got %s\nwant %s", what, r.Key, g, w)
				}
			}
			if interval == report.Day { // 21 days stand beside those three weeks before, day by day
				for i := range a.Rows {
					begin, err := time.ParseInLocation(time.DateOnly, a.Rows[i].Key, q.Zone)
					if err != nil {
						t.Fatal(err)
					}
					want, _, _ := l.Sums(q, report.Range{From: begin.AddDate(0, 0, -21), To: begin.AddDate(0, 0, -20)}, func(*ledger.Visit) []string { return nil })
					if g, w := ledger.Text(a.Rows[i].Compared), want.Text(false); g != w {
						t.Errorf("%s, beside row %s:\n got %s\nwant %s", what, a.Rows[i].Key, g, w)
					}
				}
			}
			var sum report.Row
			for i := range a.Rows {
				sum.Sessions += a.Rows[i].Sessions
				sum.Orders += a.Rows[i].Orders
			}
			upToNow, _, _ := l.Sums(q, report.Range{From: q.From, To: q.To}, func(*ledger.Visit) []string { return nil })
			if interval == report.Month && (sum.Sessions != upToNow.Sessions || len(a.Rows) != 2) {
				t.Errorf("%s: %d sessions in %d rows, want %d in 2", what, sum.Sessions, len(a.Rows), upToNow.Sessions)
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func ask(t *testing.T, e *engine.Engine, name, zone string, now time.Time, p url.Values) (report.Question, report.Answer) {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	q, err := report.ParseQuestion(name, p, loc, now)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := e.Ask(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return q, answers[0]
}

// Pages of a list have each row once, whatever it is sorted by, and what is not shown is the
// rest.
func TestList_PagesHaveEachRowOnceAndTheRestIsTheRest(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	l := ledger.Generate(3, 800, from, 20)
	e := engine.New(openSQLite(t, l), engine.Options{})
	now := from.AddDate(0, 0, 30)
	for _, name := range []string{"pages", "landing", "campaigns", "cities"} {
		for _, sort := range []string{"-visitors", "sessions", "key", "-key", "-conversionRate", "bounceRate", "-pageViews"} {
			all := url.Values{"from": {"2026-03-01"}, "limit": {"10000"}, "sort": {sort}}
			_, whole := ask(t, e, name, "UTC", now, all)
			if whole.Rest != nil || whole.Next != "" {
				t.Fatalf("%s: all rows are asked for, and there is a rest", name)
			}
			p := url.Values{"from": {"2026-03-01"}, "limit": {"3"}, "sort": {sort}}
			var rows []report.Row
			for {
				q, part := ask(t, e, name, "UTC", now, p)
				rows = append(rows, part.Rows...)
				checkRest(t, l, q, &part, name+" by "+sort)
				if part.Next == "" {
					break
				}
				p.Set("cursor", part.Next)
			}
			if len(rows) != len(whole.Rows) {
				t.Fatalf("%s by %s: pages have %d rows, want %d", name, sort, len(rows), len(whole.Rows))
			}
			for i := range rows {
				if rows[i].Key != whole.Rows[i].Key || ledger.Text(&rows[i]) != ledger.Text(&whole.Rows[i]) {
					t.Errorf("%s by %s: row %d of the pages is %q, want %q", name, sort, i, rows[i].Key, whole.Rows[i].Key)
				}
			}
		}
	}
}

// checkRest compares the rest of an answer with the ledger.
func checkRest(t *testing.T, l *ledger.Ledger, q report.Question, a *report.Answer, what string) {
	t.Helper()
	shown := map[string]bool{}
	for _, r := range a.Rows {
		shown[r.Key] = true
	}
	_, _, rows := l.Sums(q, report.Range{From: q.From, To: q.To}, func(v *ledger.Visit) []string {
		for _, key := range v.Values(report.KeyDimension(q.Report)) {
			if !shown[key] {
				return []string{"rest"}
			}
		}
		return nil
	})
	if a.Rest == nil {
		if rows["rest"] != nil {
			t.Errorf("%s: no rest, want %s", what, rows["rest"].Text(true))
		}
		return
	}
	want := rows["rest"]
	if a.Rest.Sessions != want.Sessions || a.Rest.Visitors != int64(len(want.Visitors)) || a.Rest.Converted != want.Converted || a.Rest.Engaged != want.Engaged {
		t.Errorf("%s: the rest is %s, want %s", what, ledger.Text(&a.Rest.Row), want.Text(true))
	}
}

// A day that changed is read again, and one that did not is not.
func TestEngine_ReadsWhatChanged(t *testing.T) {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	l := ledger.Generate(4, 300, from, 5)
	a := openSQLite(t, l)
	source := &counting{Source: a}
	e := engine.New(source, engine.Options{})
	now := from.AddDate(0, 0, 10)
	p := url.Values{"from": {"2026-03-01"}}
	_, before := ask(t, e, "totals", "UTC", now, p)
	read := source.days
	if _, again := ask(t, e, "totals", "UTC", now, p); source.days != read || again.Total.Sessions != before.Total.Sessions {
		t.Errorf("the same question reads %d days again", source.days-read)
	}
	already := len(l.Facts)
	var browsers []string
	l.Visit(from.Add(30*time.Hour), &browsers)
	if err := a.Append(t.Context(), l.Facts[already:]); err != nil {
		t.Fatal(err)
	}
	_, after := ask(t, e, "totals", "UTC", now, p)
	if after.Total.Sessions != before.Total.Sessions+1 {
		t.Errorf("after another visit: %d sessions, want %d", after.Total.Sessions, before.Total.Sessions+1)
	}
	if n := source.days - read; n < 1 || n > 2 {
		t.Errorf("a visit of one day has %d days read again", n)
	}
	// With room for one day at a time the answers are the same, and a range that does not fit is
	// refused in words.
	small := engine.New(a, engine.Options{Bytes: 60_000})
	sum := int64(0)
	for d := range 6 {
		day := from.AddDate(0, 0, d).Format(time.DateOnly)
		_, of := ask(t, small, "totals", "UTC", now, url.Values{"from": {day}, "last": {day}})
		sum += of.Total.Sessions
	}
	if sum != after.Total.Sessions {
		t.Errorf("with little memory days have %d sessions, want %d", sum, after.Total.Sessions)
	}
	q, err := report.ParseQuestion("totals", p, time.UTC, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.New(a, engine.Options{Bytes: 1000}).Ask(t.Context(), q); !report.IsMistake(err) || !strings.Contains(err.Error(), "ask for a shorter one") {
		t.Errorf("a range that does not fit: %v", err)
	}
}
