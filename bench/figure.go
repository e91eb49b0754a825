package main

import (
	"cmp"
	"slices"
	"time"
)

// A figure is what a round measured of one kind of server.
type figure struct {
	CPU      float64 // µs per request, of the server process, including work done after the answers
	RedisCPU float64 // µs per request, of its redis-server
	Peak     float64 // answers per second when each visitor sends its next request at once
	Allocs   float64 // heap objects per request
	RSS      float64 // bytes, after the round

	Late   uint64 // facts that were written after their answers, because the disk was slow
	Missed uint64 // writes that the hot store did not take, because it was slow: they cost less than they should

	Paced []paced // one for each of the plan's rates
}

// A paced is what requests took that came at a fixed rate, from when each was due.
type paced struct {
	P50, P99 time.Duration
	Rate     float64 // answers per second
}

// median returns the median of each value separately.
func median(rounds []figure) figure {
	m := figure{
		CPU: mid(rounds, func(f figure) float64 { return f.CPU }), RedisCPU: mid(rounds, func(f figure) float64 { return f.RedisCPU }),
		Peak: mid(rounds, func(f figure) float64 { return f.Peak }), Allocs: mid(rounds, func(f figure) float64 { return f.Allocs }),
		RSS: mid(rounds, func(f figure) float64 { return f.RSS }),
	}
	for i := range rounds[0].Paced {
		m.Paced = append(m.Paced, paced{
			P50:  mid(rounds, func(f figure) time.Duration { return f.Paced[i].P50 }),
			P99:  mid(rounds, func(f figure) time.Duration { return f.Paced[i].P99 }),
			Rate: mid(rounds, func(f figure) float64 { return f.Paced[i].Rate }),
		})
	}
	return m
}

// mid returns the middle value, the lower of the two if there are two.
func mid[T cmp.Ordered](rounds []figure, of func(figure) T) T {
	all := make([]T, len(rounds))
	for i, f := range rounds {
		all[i] = of(f)
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// ratio returns a kind's CPU time as a multiple of bare's in the same round, the
// median over the rounds. What the machine did meanwhile affects both.
func ratio(kind, bare []figure) float64 {
	ratios := make([]float64, min(len(kind), len(bare)))
	for i := range ratios {
		ratios[i] = kind[i].CPU / bare[i].CPU
	}
	slices.Sort(ratios)
	return ratios[(len(ratios)-1)/2]
}
