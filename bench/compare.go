package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/footfall-go/footfall/bench/serve"
)

// compare makes a short measurement of Footfall: of new visitors with memory and
// SQLite only. It returns an error that names the figures that are worse than
// recorded.
func compare(ctx context.Context) error {
	rec, err := readRecord(recordPath())
	if err != nil {
		return err
	}
	if len(rec.Scenarios) == 0 {
		return fmt.Errorf("%s is missing: make bench writes it", recordPath())
	}
	*flagPaced, *flagRounds = 0, cmp.Or(*flagRounds, 3)
	return rec.compare(func() (*record, error) {
		r := &report{}
		*flagKinds = strings.Join([]string{serve.MemorySQLite, serve.RedisMongoDB}, ",")
		if err := resumed(ctx, r); err != nil {
			return nil, err
		}
		*flagKinds = serve.MemorySQLite
		if err := newVisitors(ctx, r); err != nil {
			return nil, err
		}
		now := &record{Scenarios: map[string]map[string]recorded{}}
		now.take(r.tables, machine(ctx), time.Now())
		return now, nil
	})
}

// compare measures a second time if something is worse: a regression shows both
// times, a disturbance by other work on the machine does not.
func (rec *record) compare(measure func() (*record, error)) error {
	var before []regression
	for try := range 2 {
		now, err := measure()
		if err != nil {
			return err
		}
		worse := rec.worse(now)
		if try > 0 {
			worse = slices.DeleteFunc(worse, func(r regression) bool {
				return !slices.ContainsFunc(before, func(b regression) bool { return b.scenario == r.scenario && b.kind == r.kind && b.what == r.what })
			})
		}
		if len(worse) == 0 {
			fmt.Println("nothing is more than 10 % worse than recorded on " + rec.Measured)
			return nil
		}
		before = worse
		for _, r := range worse {
			fmt.Println("worse: " + r.String())
		}
	}
	list := make([]error, len(before))
	for i, r := range before {
		list[i] = errors.New("regression: " + r.String())
	}
	return errors.Join(list...)
}
