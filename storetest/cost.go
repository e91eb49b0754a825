package storetest

import (
	"fmt"
	"strings"

	"github.com/footfall-go/footfall/store"
)

// The cost rules: what a stranger's requests can do to a record has a bound, in bytes
// and in work. Work is seen by what a record holds: an operation reads and writes all of
// it.
var costRules = []rule{
	{"counts_are_kept_apart", countsAreKeptApart},
	{"writers_are_bounded", writersAreBounded},
	{"worst_session_takes_bounded_bytes", worstSession},
	{"work_does_not_grow", workDoesNotGrow},
}

func (t *tester) mergeAll(id, series, writer string, a store.Activity) bool {
	t.Helper()
	merged, err := t.store.Merge(t.Context(), id, series, writer, a, long)
	if err != nil {
		t.Fatalf("Merge(%q, %q, %+v): %v: with a record it cannot fail", id, writer, a, err)
	}
	return merged
}

func (t *tester) activity(id string) store.Activity {
	t.Helper()
	_, _, all, err := t.store.Read(t.Context(), id)
	if err != nil {
		t.Fatalf("Read(%q): %v", id, err)
	}
	return all
}

func countsAreKeptApart(t *tester) {
	t.mustPut(id1, "a", 0, seen, long)
	var all store.Activity
	for _, step := range []struct {
		writer string
		a      store.Activity
		want   store.Activity
	}{
		{"w1", store.Activity{Views: 1, Events: 20, Orders: 3, LastSeen: seen}, store.Activity{Views: 1, Events: 20, Orders: 3, LastSeen: seen}},
		{"w1", store.Activity{Views: 2, Events: 10, Orders: 3, LastSeen: seen}, store.Activity{Views: 2, Events: 20, Orders: 3, LastSeen: seen}},
		{"w2", store.Activity{Events: 5, LastSeen: seen + 1}, store.Activity{Views: 2, Events: 25, Orders: 3, LastSeen: seen + 1}},
		{"w3", store.Activity{Orders: 7}, store.Activity{Views: 2, Events: 25, Orders: 10, LastSeen: seen + 1}},
	} {
		t.mergeAll(id1, series, step.writer, step.a)
		if all = t.activity(id1); all != step.want {
			t.Errorf("after Merge(%q, %+v) the record has %+v, want %+v: page views, events and orders are counted apart, each by the greatest of each writer", step.writer, step.a, all, step.want)
		}
	}
	t.mustPut(id1, "b", seen, seen+1, long)
	if again := t.activity(id1); again != all {
		t.Errorf("a Put of the same series left %+v of %+v: all counts survive it", again, all)
	}
}

// writersAreBounded: a session that leaves a process and comes back is another writer,
// and nobody can be dropped.
func writersAreBounded(t *tester) {
	const many = 20 * store.MaxWriters
	t.mustPut(id1, "a", 0, seen, long)
	held := 0
	for i := range many {
		merged := t.mergeAll(id1, series, fmt.Sprintf("w.%d", i), store.Activity{Views: 1, Events: 2})
		if !merged && i < store.MaxWriters {
			t.Errorf("writer %d was refused: a record holds at least %d", i+1, store.MaxWriters)
		}
		if merged {
			held++
		}
	}
	if held == many {
		t.Errorf("a record took all of %d writers: it grows, and each operation with it, as long as somebody comes back", many)
	}
	if all := t.activity(id1); all.Views != int64(held) || all.Events != 2*int64(held) {
		t.Errorf("%d writers with a view each were merged, and the record shows %+v: one that was refused counts nothing", held, all)
	}
	if !t.mergeAll(id1, series, "w.0", store.Activity{Views: 5}) || t.activity(id1).Views != int64(held)+4 {
		t.Errorf("a writer that a full record holds was refused: only another one is")
	}
	if stored, err := t.store.Put(t.Context(), id1, "s-2", document("b"), seen, seen, long); err != nil || !stored {
		t.Fatalf("Put of another series = %v, %v: the way out of a full record", stored, err)
	}
	if !t.mergeAll(id1, "s-2", "another", store.Activity{Views: 1}) {
		t.Errorf("a record of another series refused its first writer: it holds none of those before")
	}
}

// worstDocument is about the largest that a tracker stores: 4 KiB of texts, 4 KiB of
// values, and its own members, full of what encodings for HTML or URLs make longer.
func worstDocument() string {
	return `{"text":"` + strings.Repeat("<", 4<<10) + `","values":"` + strings.Repeat("&\u2028", 1<<10) + `","own":"` + strings.Repeat("0", 1<<10) + `"}`
}

// perRecord is what a store may take of a record besides its document: its id, and its
// writers.
const perRecord = 1<<10 + store.MaxWriters*128

func (t *tester) mustTakeAtMost(ids []string, bytes int, rule string) int64 {
	t.Helper()
	if t.bytes == nil {
		return 0
	}
	took := t.bytes(t.store, ids)
	if took <= 0 || took > int64(bytes) {
		t.Errorf("%d records take %d bytes, want 1 to %d: %s", len(ids), took, bytes, rule)
	}
	return took
}

func worstSession(t *tester) {
	doc := worstDocument()
	ids := make([]string, 5)
	for i := range ids {
		ids[i] = fmt.Sprintf("01970000-0000-7000-8000-0000000004%02d", i)
		t.mustPut(ids[i], doc, 0, seen, long)
		for w := range 4 * store.MaxWriters {
			t.mergeAll(ids[i], series, fmt.Sprintf("f00dcafe.%d", 1_000_000+w), store.Activity{Views: 100_000, Events: 10_000, Orders: 100, LastSeen: seen})
		}
	}
	t.mustTakeAtMost(ids, len(ids)*(len(doc)+perRecord), "a document takes the bytes that it has, and the rest of a record has a bound")
}

func workDoesNotGrow(t *tester) {
	t.mustPut(id1, "a", 0, seen, long)
	version := seen
	rounds := func(n int64) {
		for range n {
			version++
			t.mustPut(id1, "a", version-1, version, long)
			t.mergeAll(id1, series, "w", store.Activity{Views: 1_000_000 + version - seen, LastSeen: version})
			t.mustPut(id2, "b", 0, version, long)
			t.mergeAll(id2, series, "w", store.Activity{Views: 1, LastSeen: version})
			t.remove(id2)
		}
	}
	rounds(10)
	before := t.mustTakeAtMost([]string{id1, id2}, 4<<10, "two small records")
	rounds(300)
	if after := t.mustTakeAtMost([]string{id1, id2}, 4<<10, "two small records"); after > before {
		t.Errorf("after 30 times as many operations the same records take %d bytes, before %d: what was replaced, merged again or deleted leaves nothing behind", after, before)
	}
}
