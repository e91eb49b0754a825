package engine

import "github.com/footfall-go/footfall/report"

// A tally adds up visits. Distinct visitors do not add up: they are counted apart.
type tally struct {
	visits, engaged, views, converted int64
	millis, durations                 int64
}

// add adds a visit.
func (t *tally) add(d *did) {
	t.visits++
	t.views += int64(d.views)
	t.engaged += int64(d.flags & engaged)
	t.converted += int64(d.flags & converted / converted)
	if d.took > 0 {
		t.millis += int64(d.took)
		t.durations++
	}
}

func (t *tally) merge(other *tally) {
	t.visits += other.visits
	t.engaged += other.engaged
	t.views += other.views
	t.converted += other.converted
	t.millis += other.millis
	t.durations += other.durations
}

// fill puts the tally into a row.
func (t *tally) fill(r *report.Row) {
	r.Sessions, r.Engaged, r.PageViews, r.Converted = t.visits, t.engaged, t.views, t.converted
	r.DurationMillis, r.Durations = t.millis, t.durations
}
