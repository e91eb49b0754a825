package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/footfall-go/footfall"
)

// addProbes adds the endpoints for orchestrators and monitoring: /healthz answers
// as long as the process is alive, /readyz reports the state of each part,
// /metrics has the counters.
func (n *node) addProbes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		s := n.tracker.Status(r.Context())
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if !s.Ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(readiness(s))
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), trackerCollector{n.tracker})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
}

// A readyAnswer lists the parts by name. Its errors are for the operator and
// contain nothing about visitors.
type readyAnswer struct {
	Ready     bool                 `json:"ready"`
	Replaying bool                 `json:"replaying"`
	Parts     map[string]readyPart `json:"parts"`
	Journal   readyJournal         `json:"journal"`
}

type readyJournal struct {
	Pending uint64 `json:"pendingRecords"` // not yet stored in the archive
	Bytes   int64  `json:"bytes"`
	Max     int64  `json:"maxBytes"`
	Refused uint64 `json:"refused"` // because the journal was full
}

type readyPart struct {
	OK        bool    `json:"ok"`
	Error     string  `json:"error,omitempty"`
	LatencyMS float64 `json:"latencyMs"`
	Breaker   string  `json:"breaker,omitempty"`
}

func readiness(s footfall.Status) readyAnswer {
	a := readyAnswer{Ready: s.Ready(), Replaying: s.Replaying, Parts: map[string]readyPart{}, Journal: readyJournal{s.JournalPending, s.JournalBytes, s.JournalMax, s.Counts["journal_refused"]}}
	for _, p := range s.Parts {
		a.Parts[p.Name] = readyPart{p.OK, p.Error, p.LatencyMS, p.Breaker}
	}
	return a
}

// trackerCollector converts a tracker's status to metrics.
type trackerCollector struct{ tracker *footfall.Tracker }

// Describe sends nothing, because the metrics are only known when they are
// collected.
func (trackerCollector) Describe(chan<- *prometheus.Desc) {}

func (c trackerCollector) Collect(out chan<- prometheus.Metric) {
	s := c.tracker.Status(context.Background())
	gauge := func(name, help string, v float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("footfall_"+name, help, nil, nil), prometheus.GaugeValue, v)
	}
	gauge("active_users", "Visitors with activity in the last 30 minutes, refreshed every 10 s.", float64(s.ActiveUsers))
	gauge("daily_visits", "Sessions begun on the shop's day, refreshed every 10 s.", float64(s.DailyVisits))
	gauge("live_sessions", "Sessions held in this process.", float64(s.LiveSessions))
	gauge("journal_bytes", "Size of the journal on disk.", float64(s.JournalBytes))
	gauge("journal_max_bytes", "Greatest size of the journal.", float64(s.JournalMax))
	gauge("journal_pending_records", "Facts that are not yet stored in the archive.", float64(s.JournalPending))
	up := prometheus.NewDesc("footfall_part_up", "Whether a part is in order.", []string{"part"}, nil)
	latency := prometheus.NewDesc("footfall_part_latency_seconds", "How long a part took to answer just now.", []string{"part"}, nil)
	open := prometheus.NewDesc("footfall_part_breaker_open", "Whether requests skip a part until it answers again.", []string{"part"}, nil)
	for _, p := range s.Parts {
		if p.Breaker != "" {
			state := 0.0
			if p.Breaker == "open" {
				state = 1
			}
			out <- prometheus.MustNewConstMetric(open, prometheus.GaugeValue, state, p.Name)
		}
		ok := 0.0
		if p.OK {
			ok = 1
		}
		out <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, ok, p.Name)
		out <- prometheus.MustNewConstMetric(latency, prometheus.GaugeValue, p.LatencyMS/1000, p.Name)
	}
	for name, n := range s.Counts {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("footfall_"+name+"_total", "Since the start: "+strings.ReplaceAll(name, "_", " ")+".", nil, nil), prometheus.CounterValue, float64(n))
	}
}
