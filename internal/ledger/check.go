package ledger

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/report/engine"
)

var filters = []string{
	"", "device:is:mobile", "device:not:mobile", "device:is:", "country:is:fr|DE", "country:not:fr|de", "page:is:/p/1", "page:not:/p/1", "page:is:", "page:contains:p/", "page:begins:/p",
	`campaign:is:winter\|sale`, "campaign:is:sommer", `campaign:is:a\\b`, "product:is:17", "product:not:17", "product:is:", "landing:is:/caf%C3%A9", "exit:is:/p/1?x", "referrer:is:blog.example/a", "channel:begins:organic", "browser:contains:o", "city:is:FR/Paris",
	"page:is:/P/2 page:is:/p/2", "device:is:mobile os:not:iOS",
}

// Check asks for every report in some time zones, under some filters, compared with the range
// before, and compares every figure with the ledger's. most is how many filters are tried.
func Check(t *testing.T, l *Ledger, e *engine.Engine, most int, zones ...string) {
	t.Helper()
	now := time.Date(2026, 4, 20, 12, 0, 0, 0, time.UTC)
	for _, zone := range zones {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for i, filter := range filters[:min(most, len(filters))] {
			for _, name := range report.Names() {
				p := url.Values{"from": {"2026-03-05"}, "to": {"2026-04-12"}, "compare": {"previous"}, "limit": {"10000"}}
				if name == "funnel" && i%2 == 1 {
					p.Set("steps", "page:/p,event:begin_checkout,product:17,event:purchase")
				}
				if filter != "" {
					p["filter"] = strings.Split(filter, " ")
				}
				q, err := report.ParseQuestion(name, p, loc, now)
				if err != nil {
					t.Fatal(err)
				}
				answers, err := e.Ask(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				compareAnswer(t, l, q, &answers[0], fmt.Sprintf("%s in %s where %q", name, zone, filter))
			}
		}
	}
}

func compareAnswer(t *testing.T, l *Ledger, q report.Question, a *report.Answer, what string) {
	t.Helper()
	d := report.KeyDimension(q.Report)
	page := d == report.Page
	keys := func(v *Visit) []string {
		if d == "" {
			return nil
		}
		all := v.Values(d)
		slices.Sort(all)
		return slices.Compact(slices.Clone(all))
	}
	if page {
		keys = func(v *Visit) []string {
			all := v.Values(d)
			slices.Sort(all)
			return slices.Compact(all)
		}
	}
	check := func(got *report.Row, want *Figures, row string) {
		t.Helper()
		if want == nil {
			want = &Figures{}
		}
		if g, w := Text(got), want.Text(page); g != w {
			t.Errorf("%s, %s:\n got %s\nwant %s", what, row, g, w)
		}
	}
	now, before := report.Range{From: q.From, To: q.To}, *q.Compared
	total, outside, rows := l.Sums(q, now, keys)
	totalBefore, _, rowsBefore := l.Sums(q, before, keys)
	if page {
		l.pageFigures(q, now, total, rows)
		l.pageFigures(q, before, totalBefore, rowsBefore)
	}
	check(&a.Total, total, "total")
	check(a.Total.Compared, totalBefore, "total before")
	if q.Report == "funnel" {
		want, note := l.funnel(q, now)
		if got := funnelText(a.Rows); !slices.Equal(got, want) || *a.Funnel != note {
			t.Errorf("%s: %q and %+v, want %q and %+v", what, got, *a.Funnel, want, note)
		}
		return
	}
	if d == "" {
		return
	}
	if len(a.Rows) != len(rows) {
		t.Errorf("%s: %d rows, want %d", what, len(a.Rows), len(rows))
	}
	for i := range a.Rows {
		r := &a.Rows[i]
		check(r, rows[r.Key], fmt.Sprintf("row %q", r.Key))
		check(r.Compared, rowsBefore[r.Key], fmt.Sprintf("row %q before", r.Key))
	}
	if a.Outside != nil {
		check(a.Outside, outside, "outside")
	}
}
