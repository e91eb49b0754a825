package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/timetext"
	"github.com/footfall-go/footfall/store"
)

// examineTimeout is how long a store has to answer each question.
const examineTimeout = 5 * time.Second

// A describer can check itself and describe itself in a few words.
type describer interface {
	Check(ctx context.Context) error
	Describe(ctx context.Context) (string, error)
}

// hotFindings examines a hot store outside of this process.
func hotFindings(c *config) []finding {
	name, remedy := "REDIS_URL", "check that it runs and can be reached from here, that it speaks TLS if the address begins with rediss:// and only then, and the rights of its user"
	if c.shared.upstashURL != "" {
		name, remedy = "UPSTASH_REDIS_REST_URL", "look at the address, the token, and the provider's console"
	} else if c.shared.redisURL == "" {
		return nil
	}
	hot, closer, err := c.openHot()
	if err != nil {
		return []finding{{Part: name, Says: strings.TrimPrefix(err.Error(), name+": "), Remedy: "correct it"}}
	}
	defer closer.Close()
	f := describe(hot, name, remedy)
	if f.OK {
		roundTrip(hot, &f, c.StoreTimeout)
	}
	return []finding{f}
}

// roundTrip measures how long a request waits for a read.
func roundTrip(hot store.HotStore, f *finding, budget time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), examineTimeout)
	defer cancel()
	began := time.Now()
	if _, _, _, err := hot.Read(ctx, "00000000-0000-7000-8000-000000000000"); err != nil {
		f.OK, f.Says = false, err.Error()
		return
	}
	took := time.Since(began)
	f.Says += fmt.Sprintf(", a read takes %v", took.Round(10*time.Microsecond))
	if took > budget/2 {
		f.OK, f.Remedy = false, fmt.Sprintf("a request waits for it %s at most: move it nearer, or raise STORE_TIMEOUT", timetext.Of(budget))
	}
}

func mongoFinding(c *config) finding {
	const name, remedy = "MONGODB_URI", "check that it runs and can be reached from here, and the rights of its user"
	a, err := c.openMongo()
	if err != nil {
		return finding{Part: name, Says: strings.TrimPrefix(err.Error(), name+": "), Remedy: "correct it"}
	}
	defer func() { _ = a.Close() }()
	f := describe(a, name, remedy)
	if !f.OK {
		return f
	}
	ctx, cancel := context.WithTimeout(context.Background(), examineTimeout)
	defer cancel()
	if theirs, err := a.Now(ctx); err == nil {
		compareClocks(&f, theirs, time.Now())
	}
	return f
}

// compareClocks adds to a finding about a server how its clock differs from this
// machine's.
func compareClocks(f *finding, theirs, ours time.Time) {
	if off := ours.Sub(theirs).Abs(); off > 2*time.Second {
		f.OK, f.Says, f.Remedy = false, f.Says+fmt.Sprintf(", its clock and this machine's are %s apart", timetext.Of(off.Round(time.Second))), "set the clocks (NTP): past a minute nothing is deleted by age"
	}
}

// describe checks a store and returns its description.
func describe(store any, name, remedy string) finding {
	d, ok := store.(describer)
	if !ok {
		return finding{Part: name, OK: true}
	}
	ctx, cancel := context.WithTimeout(context.Background(), examineTimeout)
	defer cancel()
	if err := d.Check(ctx); err != nil {
		return finding{Part: name, Says: err.Error(), Remedy: remedy}
	}
	says, err := d.Describe(ctx)
	if err != nil {
		return finding{Part: name, Says: err.Error(), Remedy: remedy}
	}
	return finding{Part: name, OK: true, Says: says}
}
