package loglimit

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A page is what was logged.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Split(strings.TrimSuffix(p.text.String(), "\n"), "\n")
}

func newLog() (*slog.Logger, *page) {
	p := &page{}
	return Logger(slog.New(slog.NewTextHandler(p, nil))), p
}

func TestLog_OneLineASecondOfAKindWhateverClientsDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, written := newLog()
		const seconds, each = 5, 80
		for i := range seconds * each {
			log.With("client", i).Error(fmt.Sprintf("http: panic serving 192.0.2.1:%d: bad", i))
			time.Sleep(time.Second / each)
		}
		time.Sleep(2 * Every)
		lines := written.lines()
		if len(lines) > seconds+2 {
			t.Errorf("%d lines are written in %d s, want at most one a second: a client could fill the disk with the log", len(lines), seconds)
		}
		shown := 0
		for _, line := range lines {
			shown++
			var more int
			if _, after, ok := strings.Cut(line, moreLikeIt+"="); ok {
				if _, err := fmt.Sscan(after, &more); err != nil {
					t.Error(err)
				}
			}
			shown += more
		}
		if last := lines[len(lines)-1]; shown != seconds*each || !strings.Contains(last, fmt.Sprint("client=", seconds*each-1)) {
			t.Errorf("the log accounts for %d of %d lines and ends with %s: the latest is written, and how many are left out", shown, seconds*each, last)
		}
	})
}

func TestLog_AnUnlikeLineIsNotDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, written := newLog()
		log.Info("footfall: started")
		log.Warn("footfall: the archive does not answer")
		log.Info("footfall: the archive does not answer")
		log.Info("footfall: ended")
		if lines := written.lines(); len(lines) != 4 {
			t.Errorf("written are %q, want all four at once", lines)
		}
	})
}

func TestLog_RemembersABoundedNumberOfKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, written := newLog()
		for i := range 100 * maxKinds {
			log.Error("dashboard: " + strings.Repeat(string(rune('A'+i%50)), 1+i/50%50) + string(rune('Ā'+i)))
		}
		if n := len(written.lines()); n > maxKinds+1 {
			t.Errorf("%d lines of as many kinds are written in a moment, want at most %d", n, maxKinds+1)
		}
		kinds := log.Handler().(*handler).kinds
		remembered := func() int {
			kinds.mu.Lock()
			defer kinds.mu.Unlock()
			return len(kinds.recent)
		}
		if n := remembered(); n > maxKinds+1 {
			t.Errorf("%d kinds are remembered, want at most %d", n, maxKinds+1)
		}
		time.Sleep(3 * Every)
		synctest.Wait()
		if n := remembered(); n != 0 {
			t.Errorf("%d kinds are remembered of which nothing was written for a while", n)
		}
	})
}

func TestLog_IsBoundedOnce(t *testing.T) {
	log, _ := newLog()
	if Logger(log) != log {
		t.Error("a bounded logger is bounded again: each would leave lines out")
	}
}
