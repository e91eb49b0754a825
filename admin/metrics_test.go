package admin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/admin"
	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/stage"
)

const token = "nB5vQ8xT2kW7pL4m"

// open returns a handler of a stage's tracker that is closed with the test.
func open(t *testing.T, s *stage.Stage, edit func(*admin.Config)) *admin.Handler {
	t.Helper()
	c := admin.Config{Tracker: s.Tracker, Reader: s.SQLite, DataDir: s.Dir, Tokens: []string{token}, Logger: s.Config.Logger}
	if edit != nil {
		edit(&c)
	}
	h, err := admin.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func ask(t *testing.T, h http.Handler, path, bearer string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func scrape(t *testing.T, h http.Handler) exposition {
	t.Helper()
	w := ask(t, h, "/metrics", token)
	if w.Code != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", w.Code, w.Body)
	}
	all, err := parse(w.Body.String())
	if err != nil {
		t.Fatalf("/metrics is not in the text format of Prometheus: %v", err)
	}
	return all
}

func (e exposition) value(t *testing.T, series string) float64 {
	t.Helper()
	name := regexp.MustCompile(`^([a-z_]+?)(_bucket|_sum|_count)?\{`).FindStringSubmatch(series)
	if name == nil || e[name[1]] == nil {
		t.Fatalf("there is no metric of %s", series)
	}
	v, ok := e[name[1]].samples[series]
	if !ok {
		t.Fatalf("there is no series %s in %v", series, e[name[1]].order)
	}
	return v
}

func TestMetrics_CountWhatHappenedInAValidExposition(t *testing.T) {
	s := stage.New(t, nil)
	h := open(t, s, nil)
	before := scrape(t, h)
	if got := before.value(t, "footfall_page_views_total{}"); got != 0 {
		t.Errorf("before the first request %v page views are counted", got)
	}
	shop := s.Tracker.Handler(stage.Page)
	first, second := stage.NewBrowser(t, shop), stage.NewBrowser(t, shop)
	for range 3 {
		first.Do("GET", "/products/1")
	}
	second.Do("GET", "/")
	s.Settle()
	after := scrape(t, h)
	for series, want := range map[string]float64{
		"footfall_page_views_total{}":                                 4,
		"footfall_sessions_begun_total{}":                             2,
		"footfall_request_cost_seconds_count{}":                       4,
		"footfall_journal_pending_records{}":                          0,
		"footfall_journal_oldest_seconds{}":                           0,
		`footfall_part_up{part="archive"}`:                            1,
		"footfall_ready{}":                                            1,
		`footfall_store_answer_seconds_count{call="put",store="hot"}`: 2,
	} {
		if got := after.value(t, series); got != want {
			t.Errorf("after four page views of two visitors %s is %v, want %v", series, got, want)
		}
	}
	for _, series := range []string{"footfall_request_cost_seconds_sum{}", `footfall_store_answer_seconds_sum{call="append",store="archive"}`} {
		if after.value(t, series) <= 0 {
			t.Errorf("%s is 0: the time that it took is not in it", series)
		}
	}
	if info := after["footfall_build_info"]; info == nil || len(info.order) != 1 || !strings.Contains(info.order[0], `go_version="go`) {
		t.Errorf("footfall_build_info is %+v: it names the Go version, once", info)
	}
}

func TestMetrics_TheOldestPendingFactHasAnAge(t *testing.T) {
	s := stage.New(t, nil)
	h := open(t, s, nil)
	gate := make(chan struct{})
	s.Archive.Gate.Store(&gate)
	stage.NewBrowser(t, s.Tracker.Handler(stage.Page)).Do("GET", "/")
	began := time.Now()
	stage.Soon(t, 10*time.Second, "the oldest pending fact is older than 20 ms", func() bool {
		return scrape(t, h).value(t, "footfall_journal_oldest_seconds{}") > 0.02
	})
	if age := scrape(t, h).value(t, "footfall_journal_oldest_seconds{}"); age > time.Since(began).Seconds()+1 {
		t.Errorf("the oldest pending fact is said to be %v s old: the test has run for %v", age, time.Since(began))
	}
	s.Archive.Gate.Store(nil)
	close(gate)
	s.Settle()
	if age := scrape(t, h).value(t, "footfall_journal_oldest_seconds{}"); age != 0 {
		t.Errorf("nothing is pending, and the oldest pending fact is %v s old", age)
	}
}

// A help text is a sentence for who has never seen the code: it is not the counter's name
// in other words.
func TestMetrics_EveryMetricSaysWhatItIs(t *testing.T) {
	s := stage.New(t, nil)
	for _, m := range s.Tracker.Measures() {
		if err := sentence(m.Name, m.Help); err != nil {
			t.Errorf("%s: %v: %q", m.Name, err, m.Help)
		}
	}
	for name, f := range scrape(t, open(t, s, nil)) {
		own, ours := strings.CutPrefix(name, "footfall_")
		if !ours {
			continue
		}
		if err := sentence(strings.TrimSuffix(own, "_total"), f.help); err != nil {
			t.Errorf("/metrics: %s: %v: %q", name, err, f.help)
		}
	}
}

func sentence(name, help string) error {
	switch {
	case len(strings.Fields(help)) < 3:
		return fmt.Errorf("its help text has fewer than three words: say what is counted")
	case !unicode.IsUpper([]rune(help)[0]) || !strings.HasSuffix(help, "."):
		return fmt.Errorf("its help text is no sentence with a capital and a full stop")
	case strings.Contains(strings.ToLower(help), strings.ReplaceAll(name, "_", " ")+".") && len(strings.Fields(help)) < 6:
		return fmt.Errorf("its help text repeats its name")
	}
	return nil
}

func TestMetrics_NeedTheTokenUnlessTheyAreOpen(t *testing.T) {
	s := stage.New(t, nil)
	h := open(t, s, nil)
	for bearer, want := range map[string]int{"": 401, "another-token-0123456789": 401, token: 200} {
		if w := ask(t, h, "/metrics", bearer); w.Code != want {
			t.Errorf("with the token %q /metrics answers %d, want %d", bearer, w.Code, want)
		}
	}
	if w := ask(t, h, "/metrics", ""); strings.Contains(w.Body.String(), "footfall_") {
		t.Errorf("without the token /metrics shows metrics: %s", w.Body)
	}
	opened := open(t, s, func(c *admin.Config) { c.OpenMetrics, c.DataDir = true, "" })
	if w := ask(t, opened, "/metrics", ""); w.Code != http.StatusOK {
		t.Errorf("open metrics answer %d without a token", w.Code)
	}
	if w := ask(t, opened, "/_footfall/api/status", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("open metrics open the admin API too: it answers %d without a token", w.Code)
	}
}

// A rule about bots that is in the shadow has a counter, by its pattern.
func TestMetrics_RulesInTheShadow(t *testing.T) {
	rules, err := enrich.ReadRules(strings.NewReader("shadow Firefox/*\nshadow \"quoted\\ thing\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := stage.New(t, func(c *footfall.Config) { c.Rules = rules })
	h := open(t, s, nil)
	for range 2 {
		stage.NewBrowser(t, s.Site()).Do("GET", "/")
	}
	odd := stage.NewBrowser(t, s.Site())
	odd.Header.Set("User-Agent", strings.ReplaceAll(stage.Firefox, "Firefox/", "Gecko/")+` "quoted\ thing`)
	odd.Do("GET", "/")
	all := scrape(t, h)
	for series, want := range map[string]float64{
		`footfall_shadow_bot_visits_total{pattern="Firefox/*"}`: 2, `footfall_shadow_bot_visits_total{pattern="\"quoted\\ thing"}`: 1,
	} {
		if got := all.value(t, series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
}
