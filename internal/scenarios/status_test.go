package scenarios_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// Seed defect 36.
func TestStatus_MetricsAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage.New(t, func(c *footfall.Config) { c.DisableJobs = false })
		b := stage.NewBrowser(t, s.Site())
		b.Do("GET", "/")
		time.Sleep(21 * time.Second)
		if st := s.Tracker.Status(context.Background()); st.ActiveUsers != 1 || st.DailyVisits != 1 {
			t.Errorf("active users %d, daily visits %d: 1 and 1", st.ActiveUsers, st.DailyVisits)
		}
		time.Sleep(31 * time.Minute)
		if st := s.Tracker.Status(context.Background()); st.ActiveUsers != 0 {
			t.Errorf("31 minutes later %d users are active", st.ActiveUsers)
		}
	})
}

// Seed defect 38.
func TestStatus_ReadinessSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	if st := s.Tracker.Status(context.Background()); !st.Ready() {
		t.Errorf("not ready: %+v", st.Parts)
	}
	s.Hot.Down.Store(true)
	s.Archive.Down.Store(true)
	st := s.Tracker.Status(context.Background())
	if st.Ready() {
		t.Error("ready with both stores down")
	}
	for _, p := range st.Parts {
		if p.OK != (p.Name == "journal") {
			t.Errorf("part %s: ok %v, %q", p.Name, p.OK, p.Error)
		}
	}
}

// A trusted proxy in front of an intranet is not forgotten.
func TestStatus_TrustedProxyWithPrivateClients(t *testing.T) {
	t.Parallel()
	s := stage.New(t, func(c *footfall.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")} })
	b := stage.NewBrowser(t, s.Site())
	b.Addr = "10.0.0.1:99"
	b.Header.Set("X-Forwarded-For", "10.1.2.3")
	b.Do("GET", "/")
	if n := s.Count("forgotten_proxy"); n != 0 {
		t.Errorf("a trusted proxy's private client counts as a forgotten proxy (%d)", n)
	}
}
