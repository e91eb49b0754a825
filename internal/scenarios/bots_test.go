package scenarios_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// A shop's own app is a person, whatever HTTP library it uses.
func TestBots_TheShopsOwnAppIsNone(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*footfall.Config){
		"by a pattern": func(c *footfall.Config) { c.OwnAgents = []string{"myshop/"} },
		"by a function": func(c *footfall.Config) {
			c.BotReason = func(r *http.Request, reason string) string {
				if strings.HasPrefix(r.UserAgent(), "MyShop/") {
					return ""
				}
				return reason
			}
		},
	} {
		s := stage.New(t, edit)
		for _, agent := range []string{"MyShop/3.2.1 (Android 14; Pixel 8) okhttp/4.12.0", "MyShop/12 CFNetwork/1494.0.7 Darwin/23.4.0"} {
			b := stage.NewBrowser(t, s.Site())
			b.Header.Set("User-Agent", agent)
			b.Do("POST", "/event/add_to_cart")
			b.Do("POST", "/value/cart/full")
			if got := stage.Text(t, b.Do("GET", "/value/cart")); got != "full" {
				t.Errorf("%s: the cart of %s is %q before the login", name, agent, got)
			}
			s.Settle()
			events, err := s.SQLite.Events(t.Context(), stage.SessionOf(t, b), 10)
			if err != nil || len(events) != 2 || events[0].EventType != "add_to_cart" {
				t.Errorf("%s: of %s are recorded %v (error %v), want its cart and a view", name, agent, events, err)
			}
		}
		other := stage.NewBrowser(t, s.Site())
		other.Header.Set("User-Agent", "okhttp/4.12.0")
		if resp := other.Do("GET", "/"); cookieNames(resp) != "" {
			t.Errorf("%s: other software with that library gets cookies", name)
		}
	}
}

// A shop can say of a browser that it is software, too, and of one that came as a
// person before.
func TestBots_TheShopDecides(t *testing.T) {
	t.Parallel()
	s := stage.New(t, func(c *footfall.Config) {
		c.BotReason = func(r *http.Request, reason string) string {
			if r.Header.Get("X-Monitor") != "" {
				return "monitor\x00" + strings.Repeat("x", 1000)
			}
			return reason
		}
	})
	b := stage.NewBrowser(t, s.Site())
	b.Do("GET", "/")
	b.Header.Set("X-Monitor", "1")
	b.Do("GET", "/")
	if n := s.Count("bot_views"); n != 1 {
		t.Errorf("%d views are taken for software's, want the one that the shop named", n)
	}
	b.Header.Del("X-Monitor")
	if n := s.Stored(stage.SessionOf(t, b)).PageViews; n != 1 {
		t.Errorf("%d page views, want 1", n)
	}
}

// An event that is not recorded is no silence.
func TestTrack_SaysWhyNothingWasRecorded(t *testing.T) {
	t.Parallel()
	s := stage.New(t, func(c *footfall.Config) { c.NewSessionsPerMinute = 1 })
	var err, value error
	track := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err = s.Tracker.Track(r.Context(), footfall.EventInput{Type: "add_to_cart"})
		value = s.Tracker.SetValue(r.Context(), "cart", "full")
	})
	for _, c := range []struct {
		why  string
		h    http.Handler
		edit func(*http.Request)
	}{
		{"made by software (tool)", s.Tracker.Handler(track), func(r *http.Request) { r.Header.Set("User-Agent", "curl/8.5.0") }},
		{"another site", s.Tracker.Handler(track), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
		{"begins no session", s.Tracker.Optional(track), nil},
		{"none that a session begins with", s.Tracker.Handler(track), func(r *http.Request) { r.Method = "HEAD" }},
		{"too many sessions", s.Tracker.Handler(track), nil},
	} {
		if c.why == "too many sessions" {
			for range 3 { // the minute may have turned
				stage.NewBrowser(t, s.Site()).Do("GET", "/")
			}
		}
		b := stage.NewBrowser(t, c.h)
		r := b.Request("POST", "/")
		if c.edit != nil {
			c.edit(r)
		}
		b.Send(r)
		if !errors.Is(err, footfall.ErrNoSession) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("Track says %v, want ErrNoSession because of %q", err, c.why)
		}
		if !errors.Is(value, footfall.ErrNoSession) || !strings.Contains(value.Error(), c.why) {
			t.Errorf("SetValue says %v, want ErrNoSession because of %q", value, c.why)
		}
	}
}
