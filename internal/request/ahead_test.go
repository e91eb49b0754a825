package request

import (
	"strconv"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/count"
)

func TestLandings(t *testing.T) {
	l := newLandings(new(count.Set))
	l.remember(addr(1, 1), "firefox", "/a", "https://search.example/", minute)
	for _, other := range []struct {
		why, agent, page string
		host             int
	}{{"another address", "firefox", "/a", 2}, {"another agent", "chrome", "/a", 1}, {"another page", "firefox", "/b", 1}} {
		if _, ok := l.take(addr(1, other.host), other.agent, other.page, minute); ok {
			t.Errorf("a landing was found for %s: it is another browser's", other.why)
		}
	}
	if referrer, ok := l.take(addr(1, 1), "firefox", "/a", minute.Add(4*time.Minute)); !ok || referrer != "https://search.example/" {
		t.Errorf("the landing is found: %v, with the referrer %q", ok, referrer)
	}
	if _, ok := l.take(addr(1, 1), "firefox", "/a", minute.Add(4*time.Minute)); ok {
		t.Error("a landing is found twice: its view would count twice")
	}
	l.remember(addr(1, 1), "firefox", "/a", "", minute.Add(5*time.Minute))
	if _, ok := l.take(addr(1, 1), "firefox", "/a", minute.Add(16*time.Minute)); ok {
		t.Errorf("a landing is found after more than %v: the browser has thrown the page away", aheadFor)
	}
}

func TestLandings_AreBounded(t *testing.T) {
	counts := new(count.Set)
	l := newLandings(counts)
	for i := range 3 * maxAhead {
		l.remember(addr(1, 1), "firefox", strconv.Itoa(i), "https://search.example/", minute)
	}
	if n := len(l.young) + len(l.old); n > maxAhead {
		t.Errorf("%d landings are remembered, at most %d may be", n, maxAhead)
	}
	if counts.All()["prefetches_forgotten"] == 0 {
		t.Error("no counter says that landings were forgotten")
	}
	if _, ok := l.take(addr(1, 1), "firefox", strconv.Itoa(3*maxAhead-1), minute); !ok {
		t.Error("the latest landing was forgotten rather than the oldest")
	}
}
