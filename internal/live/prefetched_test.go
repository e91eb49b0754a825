package live

import (
	"strconv"
	"testing"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/store"
)

func TestRememberPrefetch_SaysWhatItForgets(t *testing.T) {
	e := New(clock.NewID(), store.Record{}, NewNames())
	for i := range maxPrefetched {
		forgot, again := e.RememberPrefetch("/"+strconv.Itoa(i)), e.RememberPrefetch("/"+strconv.Itoa(i))
		if forgot || again {
			t.Errorf("page %d of %d that a session remembers is said to have made it forget another", i+1, maxPrefetched)
		}
	}
	if !e.RememberPrefetch("/more") || e.IsPrefetched("/0") || !e.IsPrefetched("/1") || !e.IsPrefetched("/more") {
		t.Error("one page more than a session remembers has to make it forget the oldest, and to say so: it is counted")
	}
	e.TakePrefetch("/1")
	if e.RememberPrefetch("/again") {
		t.Error("the place of a page that was shown is free")
	}
}
