package engine_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/ledger"
	"github.com/footfall-go/footfall/report/engine"
	"github.com/footfall-go/footfall/store"
)

// example is what docs/metrics.md tells: a morning in a shop in Berlin.
func example() *ledger.Ledger {
	at := func(clock string) time.Time {
		t, err := time.Parse("2006-01-02 15:04:05 -0700", "2026-03-02 "+clock+" +0100")
		if err != nil {
			panic(err)
		}
		return t
	}
	l := &ledger.Ledger{}
	begin := func(id, visitor, device, campaign, clock, page string) {
		l.Facts = append(l.Facts, &store.SessionBegun{Record: store.Record{Session: store.Session{SessionID: id, VisitorID: visitor, Device: device, UTMCampaign: campaign, StartedAt: at(clock), LastSeenAt: at(clock), LandingPage: page}}})
	}
	n := 0
	view := func(session, clock, page string) {
		n++
		l.Facts = append(l.Facts, &store.EventRecorded{Event: store.Event{EventID: "e" + string(rune('a'+n)), SessionID: session, EventType: store.EventPageView, Page: page, CreatedAt: at(clock)}})
	}
	order := func(id, session, clock string, amount int64) {
		n++
		l.Facts = append(l.Facts, &store.OrderPlaced{EventID: "e" + string(rune('a'+n)), Order: store.Order{OrderID: id, SessionID: session, Total: store.Money{Amount: amount, Currency: "EUR"}, CreatedAt: at(clock)}})
	}
	begin("s1", "anna", "mobile", "Spring", "09:00:00", "/")
	view("s1", "09:00:00", "/")
	view("s1", "09:01:00", "/shoes/?color=red")
	view("s1", "09:01:30", "/shoes")
	order("o1", "s1", "09:05:00", 4999)
	begin("s2", "anna", "mobile", "spring ", "11:00:00", "/shoes")
	view("s2", "11:00:00", "/shoes")
	begin("s3", "ben", "desktop", "", "11:30:00", "/")
	view("s3", "11:30:00", "/")
	view("s3", "11:30:04", "/caf%C3%A9")
	order("o2", "", "12:00:00", 2000)
	l.Facts = append(l.Facts, &store.OrderRefunded{EventID: "er", RefundID: "r1", OrderID: "o1", Amount: store.Money{Amount: 1000, Currency: "EUR"}, At: at("12:30:00")})
	return l
}

// Each answer in docs/metrics.md is what the engine says.
func TestMetrics_TheWorkedExampleIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)`(GET /_footfall/api/report/[^`]*)`[^`]*```json\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 4 {
		t.Fatalf("docs/metrics.md has %d answers, want 4 or more", len(blocks))
	}
	e := engine.New(openSQLite(t, example()), engine.Options{})
	for _, b := range blocks {
		target, err := url.Parse(strings.TrimPrefix(b[1], "GET "))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(target.Path, "/_footfall/api/report/")
		_, a := ask(t, e, name, "Europe/Berlin", time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC), target.Query())
		whole, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(whole, &members); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range []string{"rows", "outside", "total"} {
			if v, ok := members[m]; ok {
				got = append(got, `"`+m+`":`+string(v))
			}
		}
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(b[2])); err != nil {
			t.Fatalf("%s: %v", b[1], err)
		}
		if g := "{" + strings.Join(got, ",") + "}"; g != want.String() {
			t.Errorf("%s:\n got %s\ndocs %s", b[1], g, want.String())
		}
	}
}
