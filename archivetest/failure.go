package archivetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/store"
)

var failureRules = []rule{
	{"rejects_what_it_cannot_know", func(t *tester) {
		strange := &unheardOf{begun(9, 0)}
		facts := []store.Fact{begun(1, 0), view(1, 1, 1), strange, view(1, 2, 2)}
		err := t.a.Append(t.Context(), facts)
		if !errors.Is(err, store.ErrRejected) {
			t.Errorf("Append of a fact of an unknown type: %v: what will never be stored is refused with ErrRejected, so that the rest can go on", err)
		}
		if err := t.a.Append(t.Context(), []store.Fact{strange}); !errors.Is(err, store.ErrRejected) {
			t.Errorf("Append of only a fact of an unknown type: %v: it is refused with ErrRejected, so that it can be found by halving", err)
		}
		t.append(facts[:2]...)
		t.append(facts[3:]...)
		t.want(t.eventIDs(sid(1)), []string{eid(1), eid(2)}, "the rest of a batch that was refused can still be appended")
		t.wantViews(sid(1), 2, "after a batch that was refused")
	}},
	{"cancelled_append", cancelledAppend},
	{"cancelled_reads", func(t *tester) {
		t.append(begun(1, 0), order("o", 1, 1, 1))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, ok, err := t.a.Session(ctx, sid(1)); err == nil && !ok {
			t.Errorf("Session with a context that is done says absent without an error: an error is not an absence")
		}
		if _, ok, err := t.a.Order(ctx, "o"); err == nil && !ok {
			t.Errorf("Order with a context that is done says absent without an error: an error is not an absence")
		}
		if page, err := t.a.CredentialChanges(ctx, 7, 100); err == nil && page.Left == 0 && page.Next > 7 {
			t.Errorf("CredentialChanges with a context that is done moved the cursor to %d without an error: changes would be missed", page.Next)
		}
		if before, err := t.a.RevokedBefore(ctx, "c"); err == nil {
			t.Errorf("RevokedBefore with a context that is done says %s without an error: an error is not an absence", show(before))
		}
	}},
}

// cancelledAppend cancels appends at many moments. Each may be stored whole, in
// part or not at all; the retry has to complete it.
func cancelledAppend(t *tester) {
	tries, each := t.of(12, 8), t.of(60, 30)
	for i := range tries {
		n := i + 1
		facts := []store.Fact{begun(n, 0)}
		for e := range each {
			facts = append(facts, view(n, n*1000+e, e))
		}
		facts = append(facts, login(n, 50, "c", 49), order(sid(n), n, 5, 60))
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*i*t.of(100, 500))*time.Microsecond)
		start := time.Now()
		err := t.a.Append(ctx, facts)
		took := time.Since(start)
		cancel()
		if took > 5*time.Second {
			t.Errorf("Append took %v after its context's end: methods return soon after ctx is done", took.Round(time.Millisecond))
		}
		if errors.Is(err, store.ErrRejected) {
			t.Errorf("a cancelled Append: %v: that is a failure to be tried again; ErrRejected would throw the facts away", err)
		}
		if err == nil {
			t.wantViews(sid(n), int64(each), "an Append without an error has stored its batch, also if its context ended at that moment")
		}
		t.append(facts...)
		t.wantViews(sid(n), int64(each), fmt.Sprintf("a retry after an Append that was cancelled (%v)", err))
	}
	s := t.stats()
	t.want([]int64{s.Sessions, s.PageViews, s.Orders}, []int64{int64(tries), int64(tries * each), int64(tries)}, "cancelled appends and their retries count everything once")
	changes, _ := t.changes(0)
	t.want(len(changes), tries, "cancelled appends and their retries appear in the feed once")
}
