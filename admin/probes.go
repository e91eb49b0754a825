package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/footfall-go/footfall"
)

// alive answers as long as the process is alive.
func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

// ready reports the state of each part.
func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	admitted, _ := h.door.Admit(r)
	detailed := h.config.OpenDetails || admitted
	var s footfall.Status
	if detailed {
		s = h.config.Tracker.Status(r.Context())
	} else {
		s = h.latest.status(r.Context(), h.config.Tracker)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !s.Ready() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(readiness(s, detailed))
}

// keepAnswer is for how long strangers get the same answer: an answer asks each store, and
// they can ask for it as often as they like.
const keepAnswer = time.Second

// latest is the status that strangers get. Of those who ask at once, one looks and the
// others wait for it.
type latest struct {
	mu sync.Mutex
	at time.Time
	s  footfall.Status
}

func (l *latest) status(ctx context.Context, t *footfall.Tracker) footfall.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) >= keepAnswer {
		l.s = t.Status(context.WithoutCancel(ctx)) // a client that leaves must not make the stores look away
		l.at = time.Now()
	}
	return l.s
}

// A readyAnswer lists the parts by name. Its details are for operators, and contain
// nothing about visitors.
type readyAnswer struct {
	Ready     bool                 `json:"ready"`
	Replaying bool                 `json:"replaying"`
	Customers bool                 `json:"customersKnown"` // the feed of changes of credentials was read
	Changes   string               `json:"changes,omitempty"`
	Parts     map[string]readyPart `json:"parts"`
	Journal   *readyJournal        `json:"journal,omitempty"`
}

type readyJournal struct {
	Pending uint64 `json:"pendingRecords"` // not yet stored in the archive
	Bytes   int64  `json:"bytes"`
	Max     int64  `json:"maxBytes"`
	Refused uint64 `json:"refused"` // because the journal was full

	SetAside uint64 `json:"setAside"` // that the archive did not take while it took others
}

type readyPart struct {
	OK bool `json:"ok"`
	*partDetails
}

type partDetails struct {
	Error     string  `json:"error,omitempty"`
	LatencyMS float64 `json:"latencyMs"`
	Breaker   string  `json:"breaker,omitempty"`
}

func readiness(s footfall.Status, detailed bool) readyAnswer {
	a := readyAnswer{Ready: s.Ready(), Replaying: s.Replaying, Customers: s.CustomersKnown, Parts: map[string]readyPart{}}
	for _, p := range s.Parts {
		part := readyPart{OK: p.OK}
		if detailed {
			part.partDetails = &partDetails{p.Error, p.LatencyMS, p.Breaker}
		}
		a.Parts[p.Name] = part
	}
	if detailed && !s.CustomersKnown {
		a.Changes = fmt.Sprintf("read %d of %d changes", s.ChangesRead, s.ChangesRead+s.ChangesLeft)
	}
	if detailed {
		a.Journal = &readyJournal{s.JournalPending, s.JournalBytes, s.JournalMax, s.Counts["journal_refused"], s.SetAside}
	}
	return a
}
