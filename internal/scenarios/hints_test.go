package scenarios_test

import (
	"testing"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/stage"
)

// Browsers are asked for Client Hints only if the shop wants that, and only by pages.
func TestClientHints_AreAskedForByOption(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		option     bool
		mode, want string
	}{
		{false, "navigate", ""}, {true, "navigate", "Sec-CH-UA-Form-Factors"}, {true, "cors", ""},
	} {
		s := stage.New(t, func(c *footfall.Config) { c.AcceptCH = tt.option })
		b := stage.NewBrowser(t, s.Site())
		b.Header.Set("Sec-Fetch-Mode", tt.mode)
		b.Header.Set("Sec-Fetch-Site", "same-origin")
		for visit := range 2 {
			if got := b.Do("GET", "/").Header.Get("Accept-CH"); got != tt.want {
				t.Errorf("option %v, %s, answer %d: Accept-CH is %q, want %q", tt.option, tt.mode, visit+1, got, tt.want)
			}
		}
	}
}

// What a browser says of its device decides over its User-Agent.
func TestClientHints_SayWhatTheDeviceIs(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(t, s.Site())
	b.Header.Set("User-Agent", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36")
	b.Header.Set("Sec-CH-UA-Form-Factors", `"Tablet"`)
	b.Do("GET", "/")
	if got := s.Stored(stage.SessionOf(t, b)).Device; got != "tablet" {
		t.Errorf("the device is %s, want tablet", got)
	}
}
