package report

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/day"
)

// A Question asks for one report of a range of time. [ParseQuestion] makes one of the
// parameters that the API and the command have; its zero value is no question.
type Question struct {
	Report        string
	From, To      time.Time // From is included, To is excluded
	Zone          *time.Location
	Filters       []Condition // all of them hold
	Interval      Interval    // of the report series
	Steps         []Step      // of the report funnel
	Sort          string      // a field, with "-" before it for the greatest first
	Limit         int         // of the rows of a list
	Cursor        string      // where the rows before ended: Answer.Next; empty: at the first
	Compared      *Range      // the range to compare with, if any: as much of it as is over of the question's
	ComparedWhole Range       // the same as if the question's were over
	Now           time.Time   // what has not happened yet by then is not in a series
}

// A Range is a span of time: From is included, To is excluded.
type Range struct{ From, To time.Time }

// An Interval divides the range of a series.
type Interval string

// The intervals, each in the question's time zone. Weeks are ISO weeks.
const (
	Hour  Interval = "hour"
	Day   Interval = "day"
	Week  Interval = "week"
	Month Interval = "month"
)

// Limits of a question.
const (
	DefaultLimit = 10
	MaxLimit     = 10_000
	defaultDays  = 28
	maxRange     = 20 * 366 * 24 * time.Hour
	maxFilters   = 20
	maxValues    = 100
	maxBuckets   = 10_000
)

// A mistake is what is wrong with a parameter, for who sent it.
type mistake struct{ parameter, text string }

func (m mistake) Error() string { return m.parameter + ": " + m.text }

// IsMistake reports whether an error says that a parameter of a question is wrong.
func IsMistake(err error) bool {
	var m mistake
	return errors.As(err, &m)
}

// CursorMistake is the error for a cursor that no answer had.
func CursorMistake() error { return mistake{"cursor", "is not one that an answer had as next"} }

// RangeMistake is the error for a range that has more than fits into so many bytes.
func RangeMistake(bytes int) error {
	return mistake{"from", fmt.Sprintf("the range has more visits, pages or other texts than fit into %d MiB of memory: ask for a shorter one", bytes>>20)}
}

// Parameters are the names of the parameters that a question may have.
func Parameters() []string { return slices.Clone(parameters) }

// parameters are the names that a question may have.
var parameters = []string{"from", "to", "last", "timezone", "filter", "compare", "match", "interval", "steps", "sort", "limit", "cursor", "format"}

// ParseQuestion reads a question for a report from its parameters, as of a moment. zone is
// the shop's, used unless the parameters name another. An error is a mistake in them, in
// one line; see [IsMistake].
func ParseQuestion(name string, p url.Values, zone *time.Location, now time.Time) (Question, error) {
	q := Question{Report: name, Zone: zone, Now: now}
	s, ok := reports[name]
	if !ok {
		return q, mistake{"report", fmt.Sprintf("%q is not a report: use %s", name, strings.Join(Names(), ", "))}
	}
	for key, values := range p {
		if !slices.Contains(parameters, key) {
			return q, mistake{key, "is not a parameter: use " + strings.Join(parameters, ", ")}
		}
		if len(values) > 1 && key != "filter" {
			return q, mistake{key, "is given twice"}
		}
	}
	for _, read := range []func(url.Values) error{q.readRange, q.readFilters, q.readCompare, q.readInterval, q.readSteps, func(p url.Values) error { return q.readList(p, s) }} {
		if err := read(p); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *Question) readRange(p url.Values) error {
	if name := p.Get("timezone"); name != "" {
		zone, err := time.LoadLocation(name)
		if err != nil || name == "Local" {
			return mistake{"timezone", fmt.Sprintf("%q is not a time zone: write it like Europe/Berlin", name)}
		}
		q.Zone = zone
	}
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	today := day.Of(q.Now, q.Zone)
	q.To = today.End()
	last, to := p.Get("last"), p.Get("to")
	if last != "" && to != "" {
		return mistake{"last", "is given together with to: use one of them"}
	}
	if to != "" {
		var err error
		if q.To, err = q.moment("to", to); err != nil {
			return err
		}
	}
	if last != "" {
		d, err := day.Parse(last, q.Zone)
		if err != nil {
			return mistake{"last", fmt.Sprintf("%q is not a day: write it like 2026-01-31", last)}
		}
		q.To = d.End()
	}
	if from := p.Get("from"); from != "" {
		var err error
		if q.From, err = q.moment("from", from); err != nil {
			return err
		}
	} else {
		q.From = day.Of(q.To.Add(-time.Nanosecond), q.Zone).Add(1 - defaultDays).Start()
	}
	if !q.From.Before(q.To) {
		return mistake{"to", fmt.Sprintf("%s is not after from, %s", q.To.In(q.Zone).Format(time.RFC3339), q.From.In(q.Zone).Format(time.RFC3339))}
	}
	if q.To.Sub(q.From) > maxRange {
		return mistake{"from", "the range is longer than 20 years"}
	}
	return nil
}

// moment reads a day, which stands for its start, or a time.
func (q *Question) moment(parameter, text string) (time.Time, error) {
	if d, err := day.Parse(text, q.Zone); err == nil {
		return d.Start(), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.In(q.Zone), nil
		}
	}
	return time.Time{}, mistake{parameter, fmt.Sprintf("%q is neither a day nor a time: write it like 2026-01-31 or 2026-01-31T15:04:05Z", text)}
}

func (q *Question) readInterval(p url.Values) error {
	q.Interval = Day
	if text := p.Get("interval"); text != "" {
		q.Interval = Interval(text)
		if !slices.Contains([]Interval{Hour, Day, Week, Month}, q.Interval) {
			return mistake{"interval", fmt.Sprintf("%q: use hour, day, week or month", text)}
		}
	}
	if q.Report == "series" && q.Interval == Hour && q.To.Sub(q.From) > maxBuckets*time.Hour {
		return mistake{"interval", fmt.Sprintf("the range has more than %d hours: use day", maxBuckets)}
	}
	return nil
}

func (q *Question) readList(p url.Values, s spec) error {
	q.Limit, q.Cursor, q.Sort = DefaultLimit, p.Get("cursor"), "-"+s.fields[0]
	if text := p.Get("limit"); text != "" {
		n, err := ParseLimit(text, DefaultLimit, MaxLimit)
		if err != nil {
			return mistake{"limit", err.Error()}
		}
		q.Limit = n
	}
	if s.whole || p.Get("format") == "csv" && p.Get("limit") == "" { // a spreadsheet adds up what it gets
		q.Limit = MaxLimit
	}
	if text := p.Get("sort"); text != "" {
		if field := strings.TrimPrefix(text, "-"); field != "key" && !slices.Contains(s.sortable(), field) {
			return mistake{"sort", fmt.Sprintf("%q: use key, %s; with - before it for the greatest first", text, strings.Join(s.sortable(), ", "))}
		}
		q.Sort = text
	}
	return nil
}
