package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/internal/memory"
	"github.com/footfall-go/footfall/report"
)

// An Engine answers questions from an archive. It is safe for concurrent use.
type Engine struct {
	source    report.Source
	most      int // bytes of segments
	asking    chan struct{}
	files     files
	heldSince func(context.Context) (time.Time, error)
	answers   answers

	building sync.Mutex // one day is read at a time; held by whoever changes the fields below
	segments map[report.UTCDay]*kept
	bytes    int
	texts    *texts
	uses     uint64 // counts loads
	swept    time.Time
}

// sweepEvery is how often files of days that changed, or are gone, are removed.
const sweepEvery = 10 * time.Minute

type kept struct {
	*segment
	used uint64 // the latest load that needed it
}

// atOnce is how many questions are answered at a time. Others wait.
const atOnce = 2

var rangesTooLarge = count.Process.Bound("reports_too_large", "Reports that were refused because the visits of their range, or their pages, campaigns and other texts, take more memory than reports may have.")

// Options may be left empty.
type Options struct {
	// Bytes is how much memory columns take at most, as much again the texts in them and the
	// visitors, and as much again a day while it is read, and an answer: a question that
	// needs more is refused. Default: a twelfth of the memory that the process may have.
	Bytes int
	// Dir is a directory for the columns of days that are over, which an engine then need not
	// read from the archive. It is a cache: what is in it may be deleted at any time, and
	// several processes may use it. Default: none.
	Dir string
	// HeldSince says which sessions were deleted by their age: those that began before that
	// time, none if it is zero. Answers about a range that begins before it say so. Default:
	// none were.
	HeldSince func(context.Context) (time.Time, error)
}

// New returns an engine for an archive.
func New(source report.Source, o Options) *Engine {
	if o.Bytes <= 0 {
		o.Bytes = int(min(memory.Share(8), math.MaxInt))
	}
	return &Engine{source: source, most: o.Bytes, files: files{o.Dir}, heldSince: o.HeldSince, answers: answers{most: rowsIn(o.Bytes)}, segments: map[report.UTCDay]*kept{}, texts: newTexts(o.Bytes), asking: make(chan struct{}, atOnce)}
}

// Ask answers questions about the same range from one reading of the archive. Its error is
// the archive's or ctx's, or a mistake in a question (report.IsMistake): a cursor that no answer
// had, or a range that has more than fits into memory. The answers are shared with others who
// ask the same: they must not be changed.
func (e *Engine) Ask(ctx context.Context, questions ...report.Question) ([]report.Answer, error) {
	var ranges []report.Range
	for i := range questions {
		q := &questions[i]
		ranges = append(ranges, report.Range{From: q.From, To: q.To})
		if q.Compared != nil {
			ranges = append(ranges, *q.Compared, q.ComparedWhole)
		}
	}
	select {
	case e.asking <- struct{}{}:
		defer func() { <-e.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	until := time.Now()
	held := time.Time{}
	if e.heldSince != nil {
		var err error
		if held, err = e.heldSince(ctx); err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
	}
	l, err := e.load(ctx, ranges)
	switch {
	case errors.Is(err, errTooLarge):
		rangesTooLarge.Add(1)
		return nil, report.RangeMistake(e.most)
	case err != nil:
		return nil, fmt.Errorf("report: %w", err)
	}
	given := make([]report.Answer, len(questions))
	var before *plan
	for i := range questions {
		key := l.key(&questions[i])
		answer, ok := e.answers.find(key)
		if !ok {
			if before != nil && !sameFilters(&questions[i], before.q) {
				before = nil
			}
			before = newPlan(&questions[i], l, before)
			if err := before.answer(ctx, &answer); err != nil {
				return nil, err
			}
			e.answers.keep(key, answer)
		}
		answer.Question, answer.Until = questions[i], until
		answer.Truncated = time.Time{}
		if questions[i].From.Before(held) {
			answer.Truncated = held
		}
		given[i] = answer
	}
	return given, nil
}

func sameFilters(x, y *report.Question) bool {
	return slices.EqualFunc(x.Filters, y.Filters, func(a, b report.Condition) bool { return a.String() == b.String() })
}

// A load has the segments of a question, all of which number visitors alike.
type load struct {
	segments map[report.UTCDay]*segment
	visitors int                    // how many have a number
	single   [len(singles)][]string // texts by number
	pages    []string
	bytes    int
}

// load returns the days of some ranges, and those on which the visits of their orders began.
func (e *Engine) load(ctx context.Context, ranges []report.Range) (*load, error) {
	e.building.Lock()
	defer e.building.Unlock()
	if time.Since(e.swept) > sweepEvery {
		e.files.sweep(ctx, e.source)
		e.swept = time.Now()
	}
	fresh := len(e.segments) == 0
	l, err := e.loadDays(ctx, ranges)
	if errors.Is(err, errTooLarge) {
		before := e.texts.full()
		e.segments, e.texts, e.bytes = map[report.UTCDay]*kept{}, newTexts(e.most), 0
		if before && !fresh { // of texts of days that are not asked for
			l, err = e.loadDays(ctx, ranges)
		}
	}
	return l, err
}

func (e *Engine) loadDays(ctx context.Context, ranges []report.Range) (*load, error) {
	e.uses++
	l := &load{segments: map[report.UTCDay]*segment{}}
	for _, r := range ranges {
		if !r.From.Before(r.To) {
			continue
		}
		first, end := report.DayOf(r.From), report.DayOf(r.To.Add(-time.Millisecond))+1
		if err := e.add(ctx, l, first, end); err != nil {
			return nil, err
		}
	}
	for day := range l.visitDays() {
		if l.segments[day] == nil {
			if err := e.add(ctx, l, day, day+1); err != nil {
				return nil, err
			}
		}
	}
	l.visitors, l.pages = len(e.texts.visitors.texts), e.texts.pages.texts
	for i, n := range e.texts.single {
		l.single[i] = n.texts
	}
	return l, nil
}

// visitDays are the days on which the visits of orders began.
func (l *load) visitDays() map[report.UTCDay]bool {
	days := map[report.UTCDay]bool{}
	for _, s := range l.segments {
		for i := range s.orders {
			if o := &s.orders[i]; o.session != "" {
				days[o.visitDay] = true
			}
		}
	}
	return days
}

// add adds the days from first and before end of which the archive has something.
func (e *Engine) add(ctx context.Context, l *load, first, end report.UTCDay) error {
	days, err := e.source.Days(ctx, first, end)
	if err != nil {
		return err
	}
	for _, d := range days {
		if l.segments[d.Day] != nil {
			continue
		}
		has := e.segments[d.Day]
		if has == nil || has.generation != d.Generation {
			if has != nil {
				e.drop(has)
			}
			s := e.files.read(d, e.texts, e.most)
			if s == nil {
				if s, err = build(ctx, e.source, d, e.texts, e.most); err != nil {
					return err
				}
				if d.Day < report.DayOf(time.Now()) && e.still(ctx, d) {
					e.files.write(s, e.texts)
				}
			}
			has = &kept{segment: s}
			e.segments[d.Day] = has
			e.bytes += s.bytes
		}
		has.used = e.uses
		if l.bytes += has.bytes; l.bytes > e.most || e.texts.full() {
			return errTooLarge
		}
		l.segments[d.Day] = has.segment
		e.shrink()
	}
	return nil
}

// still reports whether a day is of the same generation as before it was read: otherwise what
// was read may be newer than that says.
func (e *Engine) still(ctx context.Context, d report.DayState) bool {
	now, err := e.source.Days(ctx, d.Day, d.Day+1)
	return err == nil && len(now) == 1 && now[0] == d
}

func (e *Engine) drop(k *kept) {
	delete(e.segments, k.day)
	e.bytes -= k.bytes
}

// shrink forgets the days that were not needed for longest, while there are too many. Whoever
// computes with one keeps it until then.
func (e *Engine) shrink() {
	for e.bytes > e.most && len(e.segments) > 1 {
		var oldest *kept
		for _, k := range e.segments {
			if oldest == nil || k.used < oldest.used || k.used == oldest.used && k.day < oldest.day {
				oldest = k
			}
		}
		e.drop(oldest)
	}
}
