package footfall

import (
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
)

// The stages of a request and of what follows it, each by itself; the journal,
// enrichment and the archives have theirs in their packages.

type stageFact struct {
	name string
	fact Fact
}

// stageFacts are a page view and the beginning of a session as the middleware
// makes them.
func stageFacts() []stageFact {
	at := time.UnixMilli(1_790_000_000_123).UTC()
	session, visitor := clock.NewID().String(), clock.NewID().String()
	begun := Record{Session: Session{
		SessionID: session, VisitorID: visitor, IPAddress: "203.0.113.0",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Device: "desktop", Browser: "Firefox", OS: "Linux",
		LandingPage: "/products/17?utm_source=letter&utm_medium=email", Referrer: "https://www.example.com/", Channel: "Email",
		UTMSource: "letter", UTMMedium: "email", StartedAt: at, LastSeenAt: at,
	}}
	begun.SetCredentials(Credentials{Version: at.UnixMilli(), SecretHash: SecretHash{1, 2, 3}})
	return []stageFact{
		{"page_view", &EventRecorded{Event: Event{EventID: clock.NewID().String(), SessionID: session, VisitorID: visitor, EventType: EventPageView, Page: "/products/17?from=list", CreatedAt: at}}},
		{"session_begun", &SessionBegun{Record: begun}},
	}
}

func BenchmarkStage_EncodeFact(b *testing.B) {
	for _, f := range stageFacts() {
		b.Run(f.name, func(b *testing.B) {
			var record []byte
			b.ReportAllocs()
			for b.Loop() {
				record = appendFact(record[:0], f.fact)
			}
			b.ReportMetric(float64(len(record)), "bytes")
		})
	}
}

func BenchmarkStage_DecodeFact(b *testing.B) {
	for _, f := range stageFacts() {
		record := appendFact(nil, f.fact)
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeFact(record); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
