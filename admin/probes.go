package admin

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/footfall-go/footfall"
)

// alive answers as long as the process is alive.
func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

// ready reports the state of each part.
func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	s := h.config.Tracker.Status(r.Context())
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !s.Ready() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(readiness(s, h.config.OpenDetails || h.tokens.Admit(r)))
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
		a.Journal = &readyJournal{s.JournalPending, s.JournalBytes, s.JournalMax, s.Counts["journal_refused"]}
	}
	return a
}
