package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/internal/bearer"
	"github.com/footfall-go/footfall/internal/build"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/notices"
)

// metrics serves the tracker's metrics and those of the process.
func (h *Handler) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), Collector(h.config.Tracker), processCounts{})
	served := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.config.OpenMetrics {
			if ok, wait := h.door.Admit(r); !ok {
				status, message := bearer.Refuse(w.Header(), wait)
				http.Error(w, message, status)
				return
			}
		}
		served.ServeHTTP(w, r)
	})
}

// Collector returns the metrics of a tracker for a registry of the shop's own.
func Collector(t *footfall.Tracker) prometheus.Collector { return collector{t} }

// processCounts are the counters that belong to no tracker.
type processCounts struct{}

func (processCounts) Describe(chan<- *prometheus.Desc) {}

func (processCounts) Collect(out chan<- prometheus.Metric) {
	for _, m := range count.Process.Measures() {
		out <- counterMetric(m.Name, m.Help, m.Count)
	}
}

func counterMetric(name, help string, n uint64) prometheus.Metric {
	return prometheus.MustNewConstMetric(prometheus.NewDesc("footfall_"+name+"_total", help, nil, nil), prometheus.CounterValue, float64(n))
}

type collector struct{ tracker *footfall.Tracker }

// Describe sends nothing, because the metrics are only known when they are
// collected.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (c collector) Collect(out chan<- prometheus.Metric) {
	c.status(out)
	for _, m := range c.tracker.Measures() {
		if m.Buckets == nil {
			out <- counterMetric(m.Name, m.Help, m.Count)
			continue
		}
		buckets := make(map[float64]uint64, len(m.Buckets))
		for _, b := range m.Buckets {
			buckets[b.Seconds] = b.Count
		}
		var names, values []string
		for _, l := range m.Labels {
			names, values = append(names, l.Name), append(values, l.Value)
		}
		out <- prometheus.MustNewConstHistogram(prometheus.NewDesc("footfall_"+m.Name, m.Help, names, nil), m.Count, m.Seconds, buckets, values...)
	}
	b := build.Read()
	out <- prometheus.MustNewConstMetric(prometheus.NewDesc("footfall_build_info", "Which Footfall this process was built with; always 1.", []string{"version", "commit", "go_version"}, nil), prometheus.GaugeValue, 1, b.Version, b.Commit, b.Go)
}

// status sends what is so at the moment.
func (c collector) status(out chan<- prometheus.Metric) {
	s := c.tracker.Status(context.Background())
	gauge := func(name, help string, v float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("footfall_"+name, help, nil, nil), prometheus.GaugeValue, v)
	}
	gauge("ready", "Whether every part is in order, nothing of an earlier run is on its way to the archive and customers are known: 1, otherwise 0.", truth(s.Ready()))
	gauge("active_users", "Visitors with activity in the last 30 minutes, refreshed every 10 s. All instances of a shop show the same.", float64(s.ActiveUsers))
	gauge("daily_visits", "Sessions begun on the shop's day, refreshed every 10 s. All instances of a shop show the same.", float64(s.DailyVisits))
	gauge("live_sessions", "Sessions held in this process's memory.", float64(s.LiveSessions))
	gauge("journal_bytes", "Size of the journal on the disk.", float64(s.JournalBytes))
	gauge("journal_max_bytes", "Greatest size of the journal: when it is reached, events are refused.", float64(s.JournalMax))
	gauge("journal_reserve_bytes", "Bytes that are free in what the journal holds ready for orders and logouts on a full disk.", float64(s.JournalReserve))
	gauge("journal_pending_records", "Facts in the journal that are not yet stored in the archive.", float64(s.JournalPending))
	gauge("journal_set_aside_records", "Facts in the journal's directory set-aside: the archive did not take them while it took others.", float64(s.SetAside))
	gauge("customers_known", "Whether the archive's feed of changes of credentials was read to its end since the start: 1, otherwise 0. Until then customers get 503.", truth(s.CustomersKnown))
	gauge("changes_left", "Changes of credentials in the archive's feed that are still to be read, as far as is known.", float64(s.ChangesLeft))
	age := 0.0
	if !s.JournalOldest.IsZero() {
		age = max(0, time.Since(s.JournalOldest).Seconds())
	}
	gauge("journal_oldest_seconds", "Age of the oldest fact in the journal that is not yet stored in the archive, 0 if there is none. It grows while the archive does not take facts.", age)
	shadow := prometheus.NewDesc("footfall_shadow_bot_visits_total", "Visits of people that a rule about bots which is not enforced yet would have taken for software's, by the rule's pattern.", []string{"pattern"}, nil)
	for _, b := range s.ShadowBots {
		out <- prometheus.MustNewConstMetric(shadow, prometheus.CounterValue, float64(b.Visits), b.Pattern)
	}
	seen := map[string]float64{}
	for _, n := range s.Notices {
		seen[n.Name] = 1
	}
	notice := prometheus.NewDesc("footfall_notice", "Whether the latest requests show that something is probably wrong with how the shop is set up: 1, otherwise 0. footfall doctor says what to do.", []string{"name"}, nil)
	for _, name := range notices.Names {
		out <- prometheus.MustNewConstMetric(notice, prometheus.GaugeValue, seen[name], name)
	}
	up := prometheus.NewDesc("footfall_part_up", "Whether a part (hot store, archive, journal) is in order: 1, otherwise 0.", []string{"part"}, nil)
	latency := prometheus.NewDesc("footfall_part_latency_seconds", "How long a part took to answer when these metrics were asked for.", []string{"part"}, nil)
	open := prometheus.NewDesc("footfall_part_breaker_open", "Whether requests do without a store because it has not answered lately: 1, otherwise 0.", []string{"part"}, nil)
	for _, p := range s.Parts {
		if p.Breaker != "" {
			out <- prometheus.MustNewConstMetric(open, prometheus.GaugeValue, truth(p.Breaker == "open"), p.Name)
		}
		out <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, truth(p.OK), p.Name)
		out <- prometheus.MustNewConstMetric(latency, prometheus.GaugeValue, p.LatencyMS/1000, p.Name)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
