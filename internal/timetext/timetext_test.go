package timetext

import (
	"testing"
	"time"
)

func TestOf_DurationsReadAsInSettings(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "50ms": 50 * time.Millisecond, "1.5s": 1500 * time.Millisecond, "30s": 30 * time.Second, "1m": time.Minute, "30m": 30 * time.Minute,
		"10m30s": 10*time.Minute + 30*time.Second, "10h": 10 * time.Hour, "1h0m30s": time.Hour + 30*time.Second, "24h": 24 * time.Hour, "25h": 25 * time.Hour,
		"2d": 48 * time.Hour, "400d": 400 * 24 * time.Hour, "49h30m": 49*time.Hour + 30*time.Minute, "-1h": -time.Hour, "10h10m10s": 10*time.Hour + 10*time.Minute + 10*time.Second,
	} {
		if got := Of(d); got != want {
			t.Errorf("%v is written %q, want %q: without the parts that are zero, whole days as days", d, got, want)
		}
	}
}
