package dashboard_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/dashboard"
	"github.com/footfall-go/footfall/report"
	"github.com/footfall-go/footfall/store"
)

// get asks for a report and returns the answer as it is.
func get(t *testing.T, h http.Handler, target, token string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// reporting is a dashboard of a shop with three visits, of which one has an order.
func reporting(t *testing.T) http.Handler {
	t.Helper()
	tracker, archive := start(t, func(*footfall.Config) {})
	h, err := dashboard.New(dashboard.Config{Tracker: tracker, Reader: archive, Tokens: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(-time.Hour)
	var facts []store.Fact
	for i, page := range []string{"/a", "/a", "=cmd()"} {
		s := begun([]string{"s1", "s2", "s3"}[i], now)
		s.Device, s.LandingPage, s.Country = "mobile", page, []string{"FR", "DE", ""}[i]
		facts = append(facts, s)
	}
	facts = append(facts, &store.OrderPlaced{EventID: "e", Order: store.Order{OrderID: "o", SessionID: "s1", VisitorID: "s1", Total: store.Money{Amount: 1999, Currency: "EUR"}, CreatedAt: now}})
	if err := archive.Append(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestReport_AnswersInJSON(t *testing.T) {
	h := reporting(t)
	w := get(t, h, "/_footfall/api/report/landing?filter="+url.QueryEscape("device:is:mobile")+"&limit=1", token)
	var answer struct {
		Report, From, To, Timezone, Next string
		Filter                           []string
		Rows                             []struct {
			Key      *string
			Sessions int
			Revenue  []store.Money
		}
		Rest  struct{ Rows, Sessions int }
		Total struct{ Sessions, Orders, Converted int }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s (%v)", w.Code, w.Body, err)
	}
	if answer.Report != "landing" || answer.Timezone != "UTC" || len(answer.Filter) != 1 || answer.Next == "" {
		t.Errorf("the answer names every parameter in effect and where it goes on: %s", w.Body)
	}
	if len(answer.Rows) != 1 || *answer.Rows[0].Key != "/a" || answer.Rows[0].Sessions != 2 || len(answer.Rows[0].Revenue) != 1 || answer.Rows[0].Revenue[0].Amount != 1999 {
		t.Errorf("rows %+v, want /a with 2 sessions and 19.99 EUR", answer.Rows)
	}
	if answer.Rest.Rows != 1 || answer.Rest.Sessions != 1 || answer.Total.Sessions != 3 || answer.Total.Orders != 1 || answer.Total.Converted != 1 {
		t.Errorf("rest %+v and total %+v, want 1 row with 1 session, and 3 sessions of which 1 has an order", answer.Rest, answer.Total)
	}
	if c := w.Header().Get("Cache-Control"); c != "private, no-store" {
		t.Errorf("Cache-Control %q: what a shop earns is kept by nobody on the way", c)
	}
}

func TestReport_SeveralAreOneAnswer(t *testing.T) {
	w := get(t, reporting(t), "/_footfall/api/report/totals,devices,series?compare=previous", token)
	var answer struct {
		Reports []struct{ Report string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Reports) != 3 || answer.Reports[1].Report != "devices" {
		t.Errorf("%d %s (%v): several reports are answered in the order in which they are named", w.Code, w.Body, err)
	}
}

func TestReport_CSVIsGuardedAgainstFormulas(t *testing.T) {
	w := get(t, reporting(t), "/_footfall/api/report/landing?format=csv", token)
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") {
		t.Fatalf("%d %v %v", w.Code, w.Header(), err)
	}
	if len(rows) != 3 || rows[0][0] != "key" || rows[2][0] != "'=cmd()" {
		t.Errorf("%q: a key that a spreadsheet would compute has an apostrophe before it", rows)
	}
	if !strings.Contains(strings.Join(rows[0], ","), "revenue.EUR") {
		t.Errorf("%q: amounts have a column for each currency", rows[0])
	}
}

func TestReport_MistakesAreNamed(t *testing.T) {
	h := reporting(t)
	for target, want := range map[string]string{
		"nothing":                                            "is not a report: use browsers, ",
		"totals?colour=red":                                  "colour: is not a parameter: use from, ",
		"totals?from=yesterday":                              "from: \\\"yesterday\\\" is neither a day nor a time",
		"totals?from=2026-02-01&to=2026-01":                  "to: ",
		"totals?timezone=Mars":                               "is not a time zone",
		"totals?filter=colour:is:red":                        "is not a dimension: use channel, ",
		"totals?filter=page:like:x":                          "is not an operator: use is, not, contains, begins",
		"totals?filter=page":                                 "write it like country:is:FR",
		"totals?filter=page:contains:":                       "contains needs a value",
		"pages?sort=colour":                                  "sort: ",
		"pages?limit=0":                                      "limit: ",
		"pages?cursor=xx":                                    "cursor: is not one that an answer had",
		"series?interval=year":                               "interval: ",
		"series?interval=hour&from=2010-01-01&to=2026-01-01": "use day",
		"totals?compare=never":                               "compare: ",
		"funnel?steps=colour:red":                            "write it like event:add_to_cart",
		"funnel?steps=visit,visit,visit,visit,visit,visit,visit,visit,visit": "there are more than 8",
		"totals?match=date":                      "match: ",
		"totals?format=xml":                      "format: use json or csv",
		"totals?limit=1&limit=2":                 "limit: is given twice",
		"totals?from=1800-01-01":                 "longer than 20 years",
		"totals,series?format=csv":               "CSV has one report",
		strings.Repeat("totals,", 21) + "totals": "at most 20",
	} {
		w := get(t, h, "/_footfall/api/report/"+target, token)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want 400 and %q", target, w.Code, w.Body, want)
		}
	}
	if w := get(t, h, "/_footfall/api/report/totals", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d, want 401", w.Code)
	}
}

// An archive of a shop's own that streams no days has no reports, and says so.
func TestReport_AnArchiveWithoutDays(t *testing.T) {
	tracker, archive := start(t, func(*footfall.Config) {})
	h, err := dashboard.New(dashboard.Config{Tracker: tracker, Reader: struct{ report.Reader }{archive}, Tokens: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	if w := get(t, h, "/_footfall/api/report/totals", token); w.Code != http.StatusNotFound {
		t.Errorf("%d %s, want 404", w.Code, w.Body)
	}
}

// A range that reaches behind what deleting by age has left says so.
func TestReport_SaysWhatWasDeleted(t *testing.T) {
	tracker, archive := start(t, func(c *footfall.Config) { c.RetentionSessions = 30 * 24 * time.Hour })
	h, err := dashboard.New(dashboard.Config{Tracker: tracker, Reader: archive, Tokens: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	truncated := func(from time.Time) *time.Time {
		t.Helper()
		w := get(t, h, "/_footfall/api/report/totals?from="+from.Format(time.DateOnly), token)
		var answer struct{ Truncated *time.Time }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%d %s (%v)", w.Code, w.Body, err)
		}
		return answer.Truncated
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	if at := truncated(now.AddDate(0, 0, -100)); at != nil {
		t.Errorf("nothing was deleted yet, and the answer is truncated from %v on", at)
	}
	if err := archive.SetHorizon(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if at := truncated(now.AddDate(0, 0, -100)); at == nil || !at.Equal(now.AddDate(0, 0, -30)) {
		t.Errorf("a range of 100 days is truncated from %v on, want %v", at, now.AddDate(0, 0, -30))
	}
	if at := truncated(now.AddDate(0, 0, -10)); at != nil {
		t.Errorf("ten days are held, and the answer is truncated from %v on", at)
	}
}
