package footfall

import (
	"context"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/notices"
	"github.com/footfall-go/footfall/store"
)

// A Dependency is something that a tracker needs: the hot store, the archive or the
// journal.
type Dependency struct {
	Name      string  `json:"name"` // hot, archive or journal
	OK        bool    `json:"ok"`
	Error     string  `json:"error,omitempty"`   // what is wrong
	LatencyMS float64 `json:"latencyMs"`         // how long the check that was just made took, in milliseconds
	Breaker   string  `json:"breaker,omitempty"` // closed; open: requests do without it until it answers again
}

// Status is how a tracker is doing. Counts are since its start.
type Status struct {
	Parts []Dependency `json:"parts"` // the hot store, the archive and the journal, in this order

	LiveSessions int64 `json:"liveSessions"` // held in this process
	ActiveUsers  int64 `json:"activeUsers"`  // of the last 30 minutes, as of at most 10 s ago
	DailyVisits  int64 `json:"dailyVisits"`  // of the shop's day, likewise

	JournalBytes   int64     `json:"journalBytes"`
	JournalMax     int64     `json:"journalMaxBytes"`
	JournalPending uint64    `json:"journalPending"`                  // records that the archive does not hold yet
	JournalOldest  time.Time `json:"journalOldest"`                   // of these; zero if there is none
	SetAside       uint64    `json:"setAside"`                        // facts that the archive did not take while it took others; they are in the journal's directory set-aside
	JournalReserve int64     `json:"journalReserveBytes"`             // free in what is held ready for orders and logouts on a full disk
	ReserveProblem string    `json:"journalReserveProblem,omitempty"` // why nothing is held ready, or why the file system may not keep to it
	Replaying      bool      `json:"replaying"`                       // what the last run left in the journal is still being carried to the archive

	CustomersKnown bool  `json:"customersKnown"` // the feed of changes of credentials was read; until then customers get 503, and others are served
	ChangesRead    int64 `json:"changesRead"`    // of the feed, since the start
	ChangesLeft    int64 `json:"changesLeft"`    // that are still to be read, as far as is known

	Counts map[string]uint64 `json:"counts"`
	// ShadowBots are rules that are not enforced: how many visits of people each would have
	// taken for software's. Rules without any are left out.
	ShadowBots []enrich.ShadowCount `json:"shadowBots"`
	Notices    []Notice             `json:"notices"` // what is probably wrong with how the shop is set up; none is an empty list
}

// A Notice says what is probably wrong with how a shop is set up, as its latest requests
// show it. Its Name is one of:
//
//   - one_address: all visitors have one address
//   - untrusted_proxy: a proxy is in front that Config.TrustedProxies does not list
//   - own_referrer: a proxy writes another Host, so that the shop is among its own referrers
//   - mostly_bots: nearly all page views are taken for software's
//   - cookies_lost: cookies never come back
type Notice = notices.Notice

// Ready says that every part is in order, that nothing is being replayed and that
// customers are known.
func (s *Status) Ready() bool {
	for _, p := range s.Parts {
		if !p.OK {
			return false
		}
	}
	return !s.Replaying && s.CustomersKnown
}

// Status asks every part how it is, each within StoreTimeout, or a second if
// that is longer.
func (t *Tracker) Status(ctx context.Context) Status {
	j := t.out.Stats()
	s := Status{
		LiveSessions: t.sessions.Live(), ActiveUsers: t.jobs.ActiveUsers(), DailyVisits: t.jobs.DailyVisits(),
		JournalBytes: j.Bytes, JournalMax: j.MaxBytes, JournalPending: j.Pending, JournalOldest: j.Oldest, JournalReserve: j.Reserve, SetAside: j.SetAside,
		Replaying: !t.out.Replayed() || !t.hot.IsReplayed(),
		Counts:    t.counts.All(),
		Notices:   append([]Notice{}, t.notices.Current()...), ShadowBots: []enrich.ShadowCount{},
	}
	for _, shadow := range t.agents.Shadows() {
		if shadow.Visits > 0 {
			s.ShadowBots = append(s.ShadowBots, shadow)
		}
	}
	s.ChangesRead, s.ChangesLeft, s.CustomersKnown = t.revoked.Progress()
	if j.ReserveProblem != nil {
		s.ReserveProblem = j.ReserveProblem.Error()
	}
	s.Parts = []Dependency{
		t.check(ctx, "hot", t.hotStore.Check),
		t.check(ctx, "archive", t.archive.Check),
		t.check(ctx, "journal", func(context.Context) error { return t.out.Check() }),
	}
	s.Parts[0].Breaker, s.Parts[1].Breaker = t.hotStore.State(), t.archive.State()
	if since := t.out.ArchiveFailing(); !since.IsZero() && s.Parts[1].OK {
		s.Parts[1].OK, s.Parts[1].Error = false, "it has not taken facts since "+since.Format(time.RFC3339)
	}
	return s
}

// Retention says how far deleting by age has come: it follows the clock by at most 7 days
// a day of running time. With move it takes the present for now from here on, however far
// that is: for an operator who has made sure that the clock is right. It does not move if
// this machine's clock and the archive's disagree.
func (t *Tracker) Retention(ctx context.Context, move bool) (store.Retention, error) {
	return t.jobs.Retention(ctx, move)
}

// RetrySetAside offers the archive again the facts that it did not take, and returns how
// many they are (Status.SetAside). Those that it still does not take are set aside again.
func (t *Tracker) RetrySetAside() (int, error) { return t.out.RetrySetAside() }

// Measures is what every counter and every histogram says now, each with a text that
// says what it means: what package admin serves as metrics.
func (t *Tracker) Measures() []count.Measure { return t.counts.Measures() }

func (t *Tracker) check(ctx context.Context, name string, ask func(context.Context) error) Dependency {
	ctx, cancel := context.WithTimeout(ctx, max(t.config.StoreTimeout, time.Second))
	defer cancel()
	began := time.Now()
	p := Dependency{Name: name, OK: true}
	if err := ask(ctx); err != nil {
		p.OK, p.Error = false, err.Error()
	}
	p.LatencyMS = float64(time.Since(began).Microseconds()) / 1000
	return p
}
