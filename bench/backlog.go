package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/footfall-go/footfall/bench/load"
	"github.com/footfall-go/footfall/bench/serve"
)

const backlogRate = 2000 // requests per second that continue meanwhile

// backlog measures an archive after an outage: the journal has filled, and is
// drained while visitors continue to send requests.
func backlog(ctx context.Context, r *report) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	kind, _ := serve.KindOf(serve.MemorySQLite)
	server, err := start(ctx, kind)
	if err != nil {
		return err
	}
	defer server.stop()
	visitors, err := load.Connect(ctx, server.addr, *flagConnections, load.Form(*flagRequest), serve.PagePath)
	if err != nil {
		return err
	}
	defer load.Close(visitors)
	if _, err := load.Closed(ctx, visitors, 5000, false); err != nil {
		return err
	}
	quiet, before, err := load.Open{Rate: backlogRate, For: 3 * time.Second}.Run(ctx, visitors)
	if err != nil {
		return err
	}
	rested, err := server.state(serve.AskBegin)
	if err != nil {
		return err
	}
	if _, err := server.state(serve.AskOutage); err != nil {
		return err
	}
	events := full(1_000_000)
	filled, err := server.state(fmt.Sprintf("%s %d", serve.AskFill, events))
	if err != nil {
		return err
	}

	began := time.Now()
	if _, err := server.state(serve.AskMended); err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	drainedAfter, watch := time.Duration(0), make(chan error, 1)
	go func() {
		defer stop()
		for {
			state, err := server.state(serve.AskState)
			if err != nil || state.JournalPending < backlogRate { // what arrives in a second
				drainedAfter = time.Since(began)
				watch <- err
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	busy, during, err := load.Open{Rate: backlogRate, For: 15 * time.Minute, Patient: true}.Run(serving, visitors)
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if err := <-watch; err != nil {
		return err
	}
	after, err := server.state(serve.AskEnd)
	if err != nil {
		return err
	}
	stored, err := server.stored()
	if err != nil {
		return err
	}
	if all := int64(5000 + before + events + during); stored.Views != all {
		return fmt.Errorf("%d page views were counted and %d are stored", all, stored.Views)
	}

	var b strings.Builder
	row(&b, []string{"", ""})
	row(&b, []string{"---", "---"})
	row(&b, []string{"in the journal when the archive is back", fmt.Sprintf("%s facts, %s", thousands(float64(filled.JournalPending)), mebibytes(float64(filled.JournalBytes)))})
	row(&b, []string{"drained after", fmt.Sprintf("%.1f s: %s events/s", drainedAfter.Seconds(), thousands(float64(events+during)/drainedAfter.Seconds()))})
	row(&b, []string{fmt.Sprintf("meanwhile, at %s requests/s: p50, p99", thousands(busy.Rate)), latency(busy.At(0.5)) + ", " + latency(busy.At(0.99))})
	row(&b, []string{"without a backlog, at the same rate: p50, p99", latency(quiet.At(0.5)) + ", " + latency(quiet.At(0.99))})
	row(&b, []string{"resident memory before, at its peak", mebibytes(float64(rested.RSS)) + ", " + mebibytes(float64(after.PeakRSS))})
	row(&b, []string{"page views stored, of those counted", fmt.Sprintf("%d of %d", stored.Views, 5000+before+events+during)})
	r.say("backlog", b.String()+"\n"+measured()+".\n")
	return nil
}
