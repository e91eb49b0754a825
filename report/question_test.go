package report_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for a machine without zone files

	"github.com/footfall-go/footfall/report"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// What is asked for and what it is compared with, as of a Saturday at 15:04 in Berlin.
func TestParseQuestion_Ranges(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	now := time.Date(2026, 3, 28, 15, 4, 0, 0, berlin)
	for _, c := range []struct{ parameters, from, to, comparedFrom, comparedTo, why string }{
		{"", "2026-03-01 00:00", "2026-03-29 00:00", "", "", "28 days, the last of them today"},
		{"compare=previous", "2026-03-01 00:00", "2026-03-29 00:00", "2026-02-01 00:00", "2026-02-28 15:04", "this month goes by dates, and today so far by the same hours"},
		{"from=2026-03-02&compare=previous", "2026-03-02 00:00", "2026-03-29 00:00", "2026-02-02 00:00", "2026-02-28 15:04", "27 days are compared with those 28 days before"},
		{"from=2026-03-28&compare=previous", "2026-03-28 00:00", "2026-03-29 00:00", "2026-03-21 00:00", "2026-03-21 15:04", "today is compared with the same weekday"},
		{"from=2026-03-28&compare=previous&match=date", "2026-03-28 00:00", "2026-03-29 00:00", "2026-03-27 00:00", "2026-03-27 15:04", "or with yesterday"},
		{"from=2026-03-16&last=2026-03-22&compare=previous", "2026-03-16 00:00", "2026-03-23 00:00", "2026-03-09 00:00", "2026-03-16 00:00", "a week is compared with the week before"},
		{"from=2026-03-16&to=2026-03-26&compare=previous", "2026-03-16 00:00", "2026-03-26 00:00", "2026-03-02 00:00", "2026-03-12 00:00", "ten days with those two weeks before"},
		{"from=2026-02-01&to=2026-03-01&compare=previous", "2026-02-01 00:00", "2026-03-01 00:00", "2026-01-01 00:00", "2026-01-29 00:00", "a month with the same days of the month before"},
		{"from=2026-03-01&to=2026-04-01&compare=previous", "2026-03-01 00:00", "2026-04-01 00:00", "2026-02-01 00:00", "2026-02-28 15:04", "a month that is not over with what was over by then"},
		{"from=2025-12-01&to=2026-01-01&compare=previous", "2025-12-01 00:00", "2026-01-01 00:00", "2025-11-01 00:00", "2025-12-01 00:00", "the month before is cut at its end"},
		{"from=2025-12-01&to=2026-01-01&compare=year", "2025-12-01 00:00", "2026-01-01 00:00", "2024-12-01 00:00", "2025-01-01 00:00", "a month a year before goes by dates too"},
		{"from=2024-02-01&to=2024-02-29&compare=year&match=date", "2024-02-01 00:00", "2024-02-29 00:00", "2023-02-01 00:00", "2023-03-01 00:00", "up to the 28th is up to the 28th"},
		{"from=2024-01-01&to=2024-02-29&compare=previous&match=date", "2024-01-01 00:00", "2024-02-29 00:00", "2023-01-01 00:00", "2023-03-01 00:00", "also of a year so far"},
		{"from=2026-03-13T12:00:00%2B01:00&to=2026-03-20T12:00:00%2B01:00&compare=previous", "2026-03-13 12:00", "2026-03-20 12:00", "2026-03-06 12:00", "2026-03-13 12:00", "seven days from noon to noon are seven"},
		{"from=2026-01-01&compare=previous", "2026-01-01 00:00", "2026-03-29 00:00", "2025-01-01 00:00", "2025-03-28 15:04", "this year with the same dates of the year before"},
		{"from=2026-01-01&to=2026-02-01&compare=previous&match=weekday", "2026-01-01 00:00", "2026-02-01 00:00", "2025-11-27 00:00", "2025-12-28 00:00", "31 days with those 35 days before"},
		{"from=2024-03-01&to=2026-03-01&compare=previous", "2024-03-01 00:00", "2026-03-01 00:00", "2022-03-02 00:00", "2024-03-01 00:00", "more than 364 days with as many before"},
		{"from=2026-03-01&to=2026-03-08&compare=year", "2026-03-01 00:00", "2026-03-08 00:00", "2025-03-02 00:00", "2025-03-09 00:00", "a year before by weekday is 364 days"},
		{"from=2024-02-29&to=2024-03-01&compare=year&match=date", "2024-02-29 00:00", "2024-03-01 00:00", "2023-02-28 00:00", "2023-03-01 00:00", "29 February as 28"},
		{"from=2026-03-30&to=2026-03-31&compare=2025-12-01..2025-12-03", "2026-03-30 00:00", "2026-03-31 00:00", "2025-12-01 00:00", "2025-12-03 00:00", "any range"},
		{"from=2026-03-28T10:00:00%2B01:00&to=2026-03-28T12:00:00%2B01:00&compare=previous", "2026-03-28 10:00", "2026-03-28 12:00", "2026-03-21 10:00", "2026-03-21 12:00", "hours"},
	} {
		p, err := url.ParseQuery(c.parameters)
		if err != nil {
			t.Fatal(err)
		}
		q, err := report.ParseQuestion("totals", p, berlin, now)
		if err != nil {
			t.Errorf("%s: %v", c.parameters, err)
			continue
		}
		at := func(x time.Time) string { return x.In(berlin).Format("2006-01-02 15:04") }
		got := []string{at(q.From), at(q.To), "", ""}
		if q.Compared != nil {
			got[2], got[3] = at(q.Compared.From), at(q.Compared.To)
		}
		if want := []string{c.from, c.to, c.comparedFrom, c.comparedTo}; !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v: %s", c.parameters, got, want, c.why)
		}
	}
}

// The day of each time zone, whatever the clocks do.
func TestBuckets(t *testing.T) {
	for _, c := range []struct {
		zone, from, to string
		of             report.Interval
		keys           string
		why            string
	}{
		{"Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z", report.Hour, "2026-10-25T02:00+02:00 2026-10-25T02:00+01:00 2026-10-25T03:00+01:00", "an hour that occurs twice is two"},
		{"Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z", report.Hour, "2026-03-29T01:00+01:00 2026-03-29T03:00+02:00", "one that is left out is none"},
		{"Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z", report.Hour, "2026-04-05T01:00+11:00 2026-04-05T01:30+10:30 2026-04-05T02:00+10:30", "clocks that go back by half an hour"},
		{"Asia/Kolkata", "2026-04-04T00:10:00Z", "2026-04-04T01:00:00Z", report.Hour, "2026-04-04T05:00+05:30 2026-04-04T06:00+05:30", "an hour is the clock's"},
		{"America/Santiago", "2026-09-05T12:00:00Z", "2026-09-07T12:00:00Z", report.Day, "2026-09-05 2026-09-06 2026-09-07", "a day without a midnight is a day"},
		{"Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-31T12:00:00Z", report.Day, "2011-12-29 2011-12-31 2012-01-01", "a day that the calendar leaves out is none"},
		{"UTC", "2026-01-01T00:00:00Z", "2026-01-12T00:00:00Z", report.Week, "2025-12-29 2026-01-05", "weeks begin on Monday, also before the range"},
		{"UTC", "2026-01-31T00:00:00Z", "2026-03-01T00:00:00Z", report.Month, "2026-01-01 2026-02-01", "months"},
	} {
		loc := zone(t, c.zone)
		at := func(text string) time.Time {
			parsed, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			return parsed
		}
		var keys []string
		all := report.Buckets(c.of, report.Range{From: at(c.from), To: at(c.to)}, loc)
		for i, b := range all {
			keys = append(keys, report.BucketKey(c.of, b.From))
			if i > 0 && !all[i-1].To.Equal(b.From) {
				t.Errorf("%s in %s: an interval ends at %v, and the next begins at %v", c.of, c.zone, all[i-1].To, b.From)
			}
		}
		if got := strings.Join(keys, " "); got != c.keys {
			t.Errorf("%s in %s: %s, want %s: %s", c.of, c.zone, got, c.keys, c.why)
		}
	}
}

func TestPageKey(t *testing.T) {
	for page, want := range map[string]string{
		"/": "/", "/a/": "/a", "//": "/", "/a?b=c#d": "/a", "/a#b": "/a", "/A": "/A", "": "",
		"/caf%C3%A9": "/café", "/cafe%CC%81": "/café", "/%e4%b8%ad": "/中", "/a%20b": "/a b", "/a%2fb": "/a%2fb", "/a%3Fb": "/a%3Fb", "/100%25": "/100%25", "/%zz%4": "/%zz%4", "/%00%0a": "/%00%0a", "/%ff%41": "/%ffA",
	} {
		if got := report.PageKey(page); got != want {
			t.Errorf("PageKey(%q) is %q, want %q", page, got, want)
		}
		if again := report.PageKey(report.PageKey(page)); again != want && page != "//" {
			t.Errorf("the key of the key %q is %q", want, again)
		}
	}
}

// Whatever is sent as a filter is refused in one line or is read as it was written.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{"country:is:FR|DE", `page:is:/a\|b`, "page:begins:", "x", "page:is", "::", `device:not:\\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := report.ParseQuestion("totals", url.Values{"filter": {text}}, time.UTC, time.Unix(1e9, 0))
		if err != nil {
			if !report.IsMistake(err) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q: %v: a mistake, in one line", text, err)
			}
			return
		}
		again, err := report.ParseQuestion("totals", url.Values{"filter": {q.Filters[0].String()}}, time.UTC, time.Unix(1e9, 0))
		if err != nil || !reflect.DeepEqual(again.Filters, q.Filters) {
			t.Fatalf("%q is read as %q, and that as %+v, %v", text, q.Filters[0].String(), again.Filters, err)
		}
	})
}
