package hot

import (
	"strings"
	"testing"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// While the hot store takes nothing, the queue is all that holds the sessions which found
// no place in the table.
func TestQueue_IsBoundedByBytes(t *testing.T) {
	const most = 100 << 10
	q := queue{most: 1_000_000, mostBytes: most}
	took := int64(0)
	for range 1000 {
		id := clock.NewID()
		e := live.New(id, store.Record{Session: store.Session{SessionID: id.String(), UserAgent: strings.Repeat("<", 512), Referrer: strings.Repeat("<", 2048)}}, live.NewNames())
		if q.push(e) {
			took += e.Bytes()
		}
	}
	if took < most || took > most+8<<10 {
		t.Errorf("the queue holds sessions of %d bytes, at most %d: a bound on their number bounds no memory", took, most)
	}
	if len(q.take()) == 0 || q.bytes != 0 {
		t.Errorf("an empty queue says that it holds %d bytes", q.bytes)
	}
}
