package engine

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/footfall-go/footfall/report"
)

// Answers are answers that were given lately, by what was asked and which versions of days
// it was computed from. An answer that the same question would get again is found; one whose
// days changed is not.
type answers struct {
	mu            sync.Mutex
	recent, older map[[32]byte]report.Answer
	rows          int // of recent
	most          int // rows that recent may have, and older as many again
}

// maxRows is how many rows recent has at most: of some 300 bytes and a text each. What an
// answer has beside its rows counts as answerRows.
const (
	maxRows    = 20_000
	answerRows = 8
)

// rowsIn is how many rows recent may have of an engine that may take so many bytes.
func rowsIn(bytes int) int { return min(maxRows, bytes/8/500) }

// key is what an answer depends on.
func (l *load) key(q *report.Question) [32]byte {
	b := sha256.New()
	compared := report.Range{}
	if q.Compared != nil {
		compared = *q.Compared
	}
	// Intervals begin and end with a minute: until the next one, now means the same.
	fmt.Fprintf(b, "%s %d %d %s %d %d %d %d %s %q %s %d %q %d %q", q.Report, q.From.UnixNano(), q.To.UnixNano(), q.Zone, compared.From.UnixNano(), compared.To.UnixNano(), q.ComparedWhole.From.UnixNano(), q.ComparedWhole.To.UnixNano(), q.Interval, q.Steps, q.Sort, q.Limit, q.Cursor,
		q.Now.Truncate(time.Minute).Unix(), q.Filters)
	days := make([]*segment, 0, len(l.segments))
	for _, s := range l.segments {
		days = append(days, s)
	}
	slices.SortFunc(days, func(x, y *segment) int { return int(x.day) - int(y.day) })
	for _, s := range days {
		fmt.Fprintf(b, " %d:%d", s.day, s.generation)
	}
	return [32]byte(b.Sum(nil))
}

func (a *answers) find(key [32]byte) (report.Answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer, ok := a.recent[key]
	if !ok {
		answer, ok = a.older[key]
	}
	return answer, ok
}

func (a *answers) keep(key [32]byte, answer report.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(answer.Rows) + answerRows; a.recent == nil || a.rows+n > a.most {
		a.recent, a.older, a.rows = map[[32]byte]report.Answer{}, a.recent, 0
	}
	a.recent[key] = answer
	a.rows += len(answer.Rows) + answerRows
}
