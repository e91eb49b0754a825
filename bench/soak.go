package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/bench/load"
	"github.com/footfall-go/footfall/bench/serve"
)

// Visitors of a soak request this many pages and do not return. Their sessions
// end during the soak, so that a session that is not freed shows.
const (
	soakVisit       = 20
	soakIdle        = 30 * time.Second
	soakMaxAge      = 5 * time.Minute
	soakConnections = 256
	soakCalibration = 40_000 // requests that measure the peak
)

// soak looks for anything that grows: it runs for a long time at half of
// Footfall's own peak rate.
func soak(ctx context.Context, r *report) error {
	ctx, cancel := context.WithTimeout(ctx, *flagFor+30*time.Minute)
	defer cancel()
	kind, _ := serve.KindOf(serve.MemorySQLite)
	server, err := start(ctx, kind, "-idle", soakIdle.String(), "-max-age", soakMaxAge.String())
	if err != nil {
		return err
	}
	defer server.stop()
	visitors, err := load.Connect(ctx, server.addr, soakConnections, load.Form(*flagRequest), serve.PagePath)
	if err != nil {
		return err
	}
	defer load.Close(visitors)
	took, err := load.Closed(ctx, visitors, soakCalibration, false)
	if err != nil {
		return err
	}
	loop := load.Open{Rate: soakCalibration / took.Seconds() / 2, For: *flagFor, VisitLength: soakVisit, Patient: true, Sum: true}
	fmt.Printf("%s requests/s at its peak; %s/s for %v, visits of %d pages, sessions end after %v\n", thousands(2*loop.Rate), thousands(loop.Rate), *flagFor, soakVisit, soakIdle)

	if _, err := server.state(serve.AskBegin); err != nil {
		return err
	}
	soaking, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan error, 1)
	var samples []sample
	go func() {
		defer stop()
		var err error
		samples, err = watch(soaking, server)
		watched <- err
	}()
	_, sent, err := loop.Run(soaking, visitors)
	stop()
	watchErr := <-watched
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if watchErr != nil {
		return watchErr
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, err := server.state(serve.AskEnd); err != nil {
		return err
	}
	stored, err := server.stored()
	if err != nil {
		return err
	}
	if all := int64(soakCalibration + sent); stored.Views != all {
		return fmt.Errorf("%d requests were answered and %d page views are stored", all, stored.Views)
	}
	growing, text := verdict(samples)
	r.say("soak", text+"\n"+measured()+fmt.Sprintf(". %v at %s requests/s, %s page views of %s sessions, each stored once.\n", *flagFor, thousands(loop.Rate), thousands(float64(stored.Views)), thousands(float64(stored.Sessions))))
	if growing {
		return errors.New("it grows")
	}
	return nil
}

// watch samples a server until ctx is done.
func watch(ctx context.Context, server *process) (samples []sample, err error) {
	began := time.Now()
	for {
		select {
		case <-ctx.Done():
			return samples, nil
		case <-time.After(*flagEvery):
		}
		state, err := server.state(serve.AskState)
		if err != nil {
			return nil, err
		}
		stored, err := server.stored()
		if err != nil {
			return nil, err
		}
		s := sample{state, stored}
		samples = append(samples, s)
		fmt.Printf("%6v  %4d goroutines  %4d files  RSS %s  heap %s  %6d live sessions  journal %s  database %s, %.0f bytes an event\n",
			time.Since(began).Round(time.Second), s.Goroutines, s.Files, mebibytes(float64(s.RSS)), mebibytes(float64(s.HeapLive)), s.LiveSessions,
			mebibytes(float64(s.JournalBytes)), mebibytes(float64(s.DatabaseBytes)), float64(s.DatabaseBytes)/float64(max(s.Stored.Views, 1)))
	}
}
