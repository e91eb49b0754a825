package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-go/footfall/store"
)

// The ids are UUIDs like the tracker's. Last-seen times and versions are Unix
// milliseconds, as in production.
const (
	id1  = "01970000-0000-7000-8000-000000000001"
	id2  = "01970000-0000-7000-8000-000000000002"
	seen = int64(1_790_000_000_000)
)

var rules = []rule{
	{"absent_is_nil", func(t *tester) {
		t.mustBeAbsent(id1, "absence is a value")
	}},
	{"put_inserts_only_when_absent", func(t *tester) {
		t.mustPut(id1, "a", 0, seen, long)
		t.mustHold(id1, "a", seen, "what was put is there")
		if t.put(id1, "b", 0, seen+1, long) {
			t.Errorf("Put with previous 0 stored over a record: previous 0 means that none may be there")
		}
		t.mustHold(id1, "a", seen, "a Put that stored nothing changes nothing")
	}},
	{"put_compares_versions", func(t *tester) {
		t.mustPut(id1, "a", 0, seen, long)
		t.merge(id1, "w", 3, seen, long)
		for _, previous := range []int64{seen - 1, seen + 1, 1, -1} {
			if t.put(id1, "x", previous, seen+5, long) {
				t.Errorf("Put with previous %d stored over version %d: it stores only if the stored version is exactly previous", previous, seen)
			}
		}
		t.mustHold(id1, "a", seen, "a Put that stored nothing changes nothing")
		t.mustCount(id1, 3, seen, "a Put that stored nothing changes nothing")
		t.mustPut(id1, "b", seen, seen+1, long)
		t.mustHold(id1, "b", seen+1, "the stored version was exactly previous")
		if t.put(id1, "c", seen, seen+2, long) {
			t.Errorf("Put stored with a version that has been replaced: two changes from the same version must not both win")
		}
	}},
	{"versions_are_exact", func(t *tester) {
		const big = int64(1)<<53 - 10
		t.mustPut(id1, "a", 0, big, long)
		if t.put(id1, "x", big+1, big+2, long) || t.put(id1, "x", big-1, big+2, long) {
			t.Errorf("Put took a version next to %d for equal: versions are compared exactly, not as rounded numbers", big)
		}
		t.mustHold(id1, "a", big, "versions keep every digit")
		t.merge(id1, "w", big, big, long)
		t.mustCount(id1, big, big, "activity keeps every digit")
	}},
	{"update_never_inserts", func(t *tester) {
		if t.put(id1, "a", seen, seen+1, long) {
			t.Errorf("Put with previous %d reported success on nothing: an update never inserts, or a logout could be undone by it", seen)
		}
		t.mustBeAbsent(id1, "an update never inserts")
		t.mustPut(id2, "a", 0, seen, long)
		t.remove(id2)
		if t.put(id2, "b", seen, seen+1, long) {
			t.Errorf("Put with the version of a deleted record stored it again: an update never inserts")
		}
		t.mustBeAbsent(id2, "an update never inserts")
	}},
	{"no_ttl_deletes", func(t *tester) {
		for i, ttl := range []time.Duration{0, -1, -time.Hour} {
			id := fmt.Sprintf("01970000-0000-7000-8000-00000000010%d", i)
			t.mustPut(id, "a", 0, seen, long)
			t.merge(id, "w", 3, seen, long)
			if t.put(id, "b", seen-1, seen+1, ttl) {
				t.Errorf("Put with ttl %v and another version reported success: it deletes only what it would have replaced", ttl)
			}
			t.mustHold(id, "a", seen, "a Put whose previous does not match deletes nothing")
			t.mustPut(id, "b", seen, seen+1, ttl)
			t.mustBeAbsent(id, fmt.Sprintf("a ttl of %v deletes the record; it does not mean for ever", ttl))
			t.put(id, "c", 0, seen+2, ttl)
			t.mustBeAbsent(id, fmt.Sprintf("a ttl of %v stores nothing", ttl))
			t.mustPut(id, "d", 0, seen+3, long)
			t.mustCount(id, 0, 0, "a new record starts without the activity of a deleted one")
		}
	}},
	{"documents_are_copied", func(t *tester) {
		doc := document("first")
		if stored, err := t.store.Put(t.Context(), id1, series, doc, 0, seen, long); err != nil || !stored {
			t.Fatalf("Put = %v, %v", stored, err)
		}
		copy(doc, "XXXXXXXX")
		t.mustHold(id1, "first", seen, "a store copies what it keeps: the caller may change it after the call")
		read, _, _, err := t.store.Read(t.Context(), id1)
		if err != nil || len(read) != len(doc) {
			t.Fatalf("Read = %q, %v", read, err)
		}
		copy(read, "YYYYYYYY")
		t.mustHold(id1, "first", seen, "a store returns what the caller may change")
	}},
	{"documents_come_back_byte_for_byte", func(t *tester) {
		for i, doc := range []string{
			`{}`, `{ }`, `{"a":1,"b":[]}`, `{"v":1.0e0, "big":12345678901234567890}`, "{\"a\" :\t1 ,\r\n\"a\": 2 }", `{"t":"'; --"}`, `{"t":"🛒 Körbe \\u0000 \\ud83d"}`,
			`{"t":"` + strings.Repeat("x", 64<<10) + `"}`, `{"activity":"1 2 s c 0 - 0 - w=1"}`, `{"t":"\\"activity\\":\\"1 2"}`,
			`{"a":"x","pageViews":3,"lastSeenAt":"2026-09-21T13:46:40.000Z"}`, `{"a":{"pageViews":3,"lastSeenAt":"2026-09-21T13:46:40.000Z"}}`,
			`{"values":{"ä":1,"ä":2,"�":3,"\ufffd\ufffd":4,"\"":5,"<":6}}`,
			`{"pageViews":3,"lastSeenAt":"2026-09-21T13:46:40.000Z"}`, `{"a":1,"pageViews":03,"lastSeenAt":"2026-09-21T13:46:40.000Z"}`, `{"a":1,"pageViews":1,"lastSeenAt":"9999-99-99Tnever-----Z"}`,
			`{"a":1,"pageViews":5,"lastSeenAt":null}`, `{"a":1,"pageViews":123456789012345678901234567890,"lastSeenAt":"2026-09-21T13:46:40.000Z"}`,
			`{"a":%s,"b":"%1 %% %d"}`, `{"a":1,"lastSeenAt":"2026-09-21T13:46:40.000Z","pageViews":5}`,
		} {
			previous, version := seen+int64(i), seen+int64(i)+1
			if i == 0 {
				previous = 0
			}
			t.mustPut(id1, doc, previous, version, long)
			check := func(when string) {
				t.Helper()
				if read, _, _, err := t.store.Read(t.Context(), id1); err != nil || string(read) != doc {
					t.Errorf("Read %s = %.90q, %v, want %.90q (%d bytes): every byte comes back", when, read, err, doc, len(doc))
				}
			}
			check("after Put")
			t.merge(id1, "w", int64(i+1), seen+int64(i), long)
			check("after Merge")
			t.mustCount(id1, int64(i+1), seen+int64(i), "activity stands beside the document, whatever that says")
		}
	}},
	{"a_series_begins_anew", func(t *tester) {
		t.mustPut(id1, "a", 0, seen, long)
		if !t.merge(id1, "w", 7, seen+5, long) {
			t.Errorf("Merge into a record of that series returned false: it did it")
		}
		if t.mergeInto("s-2", id1, "w", 9, seen+9, long) || t.mergeInto("s", id1, "w", 9, seen+9, long) {
			t.Errorf("Merge into another series than the record's returned true: counts of another document do not belong to this one")
		}
		t.mustCount(id1, 7, seen+5, "Merge into another series does nothing")
		if stored, err := t.store.Put(t.Context(), id1, "s-2", document("b"), seen, seen+1, long); err != nil || !stored {
			t.Fatalf("Put of another series = %v, %v", stored, err)
		}
		t.mustHold(id1, "b", seen+1, "a Put may begin another series")
		t.mustCount(id1, 0, 0, "another series starts from nothing: what was counted before is in its document")
		if t.merge(id1, "w", 8, seen+6, long) {
			t.Errorf("Merge into the series before returned true: a writer that has not seen the new document would be counted twice")
		}
		t.mustCount(id1, 0, 0, "the series before is over")
		t.mergeInto("s-2", id1, "w", 2, seen+7, long)
		t.mustCount(id1, 2, seen+7, "the new series counts")
	}},
	{"activity_survives_put", func(t *tester) {
		t.mustPut(id1, "a", 0, seen, long)
		t.mustCount(id1, 0, 0, "a new record has no activity")
		t.merge(id1, "w", 7, seen+5, long)
		t.mustPut(id1, "b", seen, seen+1, long)
		t.mustHold(id1, "b", seen+1, "a Put replaces the document")
		t.mustCount(id1, 7, seen+5, "activity is kept over Put: only the document is replaced")
		t.merge(id1, "w", 8, seen+6, long)
		t.mustHold(id1, "b", seen+1, "Merge leaves the document and its version alone")
	}},
	{"merge_takes_the_greatest", mergeTakesTheGreatest},
	{"merge_in_any_order", mergeInAnyOrder},
	{"merge_on_nothing", func(t *tester) {
		if t.merge(id1, "w", 5, seen, long) {
			t.Errorf("Merge without a record returned true: it did nothing")
		}
		t.mustBeAbsent(id1, "Merge without a record does nothing")
		t.mustPut(id1, "a", 0, seen, long)
		t.mustCount(id1, 0, 0, "what was merged without a record is gone: it does not wait for one")
		t.merge(id1, "w", 5, seen, long)
		t.remove(id1)
		t.merge(id1, "w", 6, seen+1, long)
		t.mustBeAbsent(id1, "Merge does not bring a deleted record back")
		t.mustPut(id1, "b", 0, seen+1, long)
		t.mustCount(id1, 0, 0, "a new record starts without the activity of a deleted one")
	}},
	{"life", life},
	{"delete", func(t *tester) {
		t.remove(id1)
		t.mustPut(id1, "a", 0, seen, long)
		t.mustPut(id2, "b", 0, seen, long)
		t.remove(id1)
		t.remove(id1)
		t.mustBeAbsent(id1, "Delete removes a record")
		t.mustHold(id2, "b", seen, "Delete removes one record")
	}},
	{"corrupt_records", corruptRecords},
	{"ids_are_not_confused", idsAreNotConfused},
	{"racing_inserts", func(t *tester) { race(t, 0) }},
	{"racing_updates", func(t *tester) {
		t.mustPut(id1, "first", 0, seen, long)
		race(t, seen)
	}},
	{"read_change_put", readChangePut},
	{"parallel_merges", parallelMerges},
	{"cancelled", cancelled},
}

func mergeTakesTheGreatest(t *tester) {
	t.mustPut(id1, "a", 0, seen, long)
	for _, step := range []struct {
		writer          string
		views, lastSeen int64
		wantViews, want int64
		rule            string
	}{
		{"w1", 3, seen + 10, 3, seen + 10, "what one writer counted so far"},
		{"w1", 3, seen + 10, 3, seen + 10, "the same again changes nothing: counts are absolute"},
		{"w1", 5, seen + 20, 5, seen + 20, "the greatest views of a writer win: they are not added up"},
		{"w1", 4, seen + 15, 5, seen + 20, "an older state of a writer, arriving late, changes nothing"},
		{"w2", 2, seen + 12, 7, seen + 20, "views are the sum over writers; lastSeen is the greatest of all"},
		{"w2", 2, seen + 30, 7, seen + 30, "lastSeen grows without a page view too"},
		{"w3", 0, seen + 40, 7, seen + 40, "a writer that counted nothing can have seen the session"},
		{"w1", 6, 0, 8, seen + 40, "views grow without a later lastSeen"},
		{"w", 1, 0, 9, seen + 40, "writers whose names begin alike are different"},
		{"version", 1, 0, 10, seen + 40, "a writer may have any name"},
		{"doc", 1, 0, 11, seen + 40, "a writer may have any name"},
		{"lastSeen", 1, 0, 12, seen + 40, "a writer may have any name"},
		{"a1b2-c3.9z", 1, 0, 13, seen + 40, "a writer's name has letters, digits, hyphens and dots"},
	} {
		t.merge(id1, step.writer, step.views, step.lastSeen, long)
		t.mustCount(id1, step.wantViews, step.want, fmt.Sprintf("after Merge(%q, %d, %d): %s", step.writer, step.views, step.lastSeen, step.rule))
	}
	t.mustHold(id1, "a", seen, "Merge leaves the document and its version alone")
}

// mergeInAnyOrder merges the states of three writers in shuffled orders, some of
// them twice.
func mergeInAnyOrder(t *tester) {
	type call struct {
		writer          string
		views, lastSeen int64
	}
	var calls []call
	for w := range int64(3) {
		for n := range int64(4) {
			calls = append(calls, call{fmt.Sprintf("writer-%d", w), (w + 1) * (n + 1), seen + 100*n + w})
		}
	}
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		order := append(append([]call{}, calls...), calls[:rnd.IntN(len(calls))]...)
		rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		id := fmt.Sprintf("01970000-0000-7000-8000-00000000020%d", seed)
		t.mustPut(id, "a", 0, seen, long)
		for _, c := range order {
			t.merge(id, c.writer, c.views, c.lastSeen, long)
		}
		t.mustCount(id, 4+8+12, seen+302, fmt.Sprintf("the same merges in another order or repeated end in the same activity; order was %v", order))
	}
}

// life has one record for each rule, so that the suite lets time pass only once.
func life(t *tester) {
	const short = 2 * time.Second
	ids := map[string]string{}
	for i, name := range []string{"short", "active", "merged short", "renewed", "merged none", "merged again", "long"} {
		ids[name] = fmt.Sprintf("01970000-0000-7000-8000-00000000030%d", i)
	}
	put := func(name string, ttl time.Duration) {
		t.mustPut(ids[name], name, 0, seen, ttl)
	}
	put("short", short)
	t.merge(ids["short"], "w", 9, seen, short)
	put("active", short)
	t.merge(ids["active"], "w", 1, seen, long)
	put("merged short", long)
	t.merge(ids["merged short"], "w", 1, seen, time.Millisecond)
	t.merge(ids["merged short"], "w", 1, seen, -long)
	put("renewed", short)
	t.mustPut(ids["renewed"], "renewed", seen, seen+1, long)
	put("merged none", short)
	t.merge(ids["merged none"], "w", 1, seen, 0)
	put("merged again", short)
	t.merge(ids["merged again"], "w", 1, seen, long)
	t.merge(ids["merged again"], "w", 1, seen, short)
	put("long", long)
	for name, id := range ids {
		if t.read(id).absent {
			t.Errorf("record %q is absent at once: its ttl has not passed", name)
		}
	}

	t.advance(short + time.Second)

	t.mustBeAbsent(ids["short"], "a record whose ttl has passed is absent")
	t.mustBeAbsent(ids["merged none"], "Merge with a ttl of zero does not make a record immortal")
	t.mustHold(ids["active"], "active", seen, "Merge makes a record live at least its ttl longer")
	t.mustHold(ids["merged short"], "merged short", seen, "Merge never shortens a record's life")
	t.mustHold(ids["merged again"], "merged again", seen, "a Merge with a shorter ttl never shortens what one with a longer gave")
	t.mustHold(ids["renewed"], "renewed", seen+1, "Put gives a record a new ttl")
	t.mustHold(ids["long"], "long", seen, "a record lives as long as its ttl")

	t.merge(ids["short"], "w", 9, seen+9, long)
	t.mustBeAbsent(ids["short"], "Merge does not bring an expired record back")
	if t.put(ids["short"], "again", seen, seen+1, long) {
		t.Errorf("Put with the version of an expired record stored it: an update never inserts")
	}
	t.mustPut(ids["short"], "new", 0, seen+2, long)
	t.mustHold(ids["short"], "new", seen+2, "an expired record is absent, so previous 0 stores")
	t.mustCount(ids["short"], 0, 0, "a new record starts without the activity of an expired one")
}

// corruptRecords plants what the store did not write. The caller finds out what it
// is by its version, asks the archive, and puts a record in its place.
func corruptRecords(t *tester) {
	if t.plant == nil {
		return
	}
	for _, value := range []string{
		"", "x", "null", "{}", "[]", `""`, `{"text":"a"}`, `{"text":"a","version":17}`, `{"text":`, "\x00\xff\xfe", `{"activity":"1 of many"}`, `{"activity":"1 -"}`,
		`{"a":1,"pageViews":5,"lastSeenAt":"2026-01-01T00:00:00.000Z","activity":"`, `{"sessionId":null,"startedAt":0}`, strings.Repeat("{", 5000),
	} {
		t.plant(t.store, id1, value)
		doc, version, all, err := t.store.Read(t.Context(), id1)
		if err != nil || doc == nil || version != 0 || all != (store.Activity{}) {
			t.Errorf("Read of the planted %.40q = %.40q, %d, %+v, %v: what the store did not write is a document of version 0, not an absence and no error", value, doc, version, all, err)
		}
		if t.merge(id1, "w", 3, seen, long) {
			t.Errorf("Merge into the planted %.40q returned true: counts do not belong to what is no record", value)
		}
		if t.put(id1, "new", 0, seen, long) || t.put(id1, "new", seen, seen+1, long) {
			t.Errorf("Put over the planted %.40q stored: it is there, and it has no version", value)
		}
		t.remove(id1)
		t.mustBeAbsent(id1, "Delete removes whatever is stored")
		t.mustPut(id1, "new", 0, seen, long)
		t.mustHold(id1, "new", seen, "a record takes the place of what was deleted")
	}
}

// idsAreNotConfused uses ids that differ in one character.
func idsAreNotConfused(t *tester) {
	var ids []string
	for i := range len(id1) {
		if id1[i] != '-' {
			ids = append(ids, id1[:i]+"e"+id1[i+1:])
		}
	}
	for i, id := range ids {
		t.mustPut(id, id, 0, seen+int64(i), long)
		t.merge(id, "w", int64(i), seen+int64(i), long)
	}
	for i, id := range ids {
		t.mustHold(id, id, seen+int64(i), "an id finds its own record")
		t.mustCount(id, int64(i), seen+int64(i), "an id finds its own activity")
	}
	t.remove(ids[0])
	for _, id := range ids[1:] {
		t.mustHold(id, id, t.read(id).version, "deleting one record leaves all others")
	}
}

// race makes many goroutines change a record from the same version at the same
// time.
func race(t *tester, previous int64) {
	const racers = 16
	var wins atomic.Int32
	var winner atomic.Int64
	together(racers, func(i int) {
		version := seen + 1 + int64(i)
		stored, err := t.store.Put(t.Context(), id1, series, document(strconv.FormatInt(version, 10)), previous, version, long)
		if err != nil {
			t.Errorf("Put: %v: losing a race is no error", err)
		}
		if stored {
			wins.Add(1)
			winner.Store(version)
		}
	})
	if wins.Load() != 1 {
		t.Errorf("%d of %d Puts with the same previous %d reported success: exactly one wins", wins.Load(), racers, previous)
	}
	t.mustHold(id1, strconv.FormatInt(winner.Load(), 10), winner.Load(), "the record is that of the one who won")
}

// together runs f in n goroutines that start at the same time.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// readChangePut increments a number in a document with the loop that the tracker
// uses.
func readChangePut(t *tester) {
	const workers, each, most = 4, 5, 2000
	t.mustPut(id1, "0", 0, 1, long)
	together(workers, func(int) {
		for range each {
			for try := 0; ; try++ {
				doc, version, _, err := t.store.Read(t.Context(), id1)
				n, _ := strconv.Atoi(textOf(doc))
				stored := false
				if err == nil {
					stored, err = t.store.Put(t.Context(), id1, series, document(strconv.Itoa(n+1)), version, version+1, long)
				}
				if err != nil || try == most {
					t.Errorf("read, change, put: after %d tries: %v", try, err)
					return
				}
				if stored {
					break
				}
			}
		}
	})
	t.mustHold(id1, strconv.Itoa(workers*each), 1+workers*each, "no change made by compare-and-set is lost, and none is made twice")
}

// parallelMerges merges from several writers, each from several goroutines, while
// the document changes.
func parallelMerges(t *tester) {
	const writers, last = 4, 25
	t.mustPut(id1, "1", 0, 1, long)
	together(2*writers+1, func(i int) {
		if i == 2*writers {
			for version := int64(1); version < last; version++ {
				if stored, err := t.store.Put(t.Context(), id1, series, document(strconv.FormatInt(version+1, 10)), version, version+1, long); err != nil || !stored {
					t.Errorf("Put(previous %d) = %v, %v: merges do not change the version", version, stored, err)
					return
				}
			}
			return
		}
		for n := range int64(last) {
			views := n
			if i%2 == 1 { // the second goroutine of a writer starts with the greatest count
				views = last - n
			}
			if _, err := t.store.Merge(t.Context(), id1, series, fmt.Sprintf("w%d", i/2), store.Activity{Views: views, LastSeen: seen + views}, long); err != nil {
				t.Errorf("Merge: %v", err)
				return
			}
		}
	})
	t.mustCount(id1, writers*last, seen+last, "parallel merges lose nothing")
	t.mustHold(id1, strconv.Itoa(last), last, "parallel merges do not bring an older document back")
}

// cancelled calls each method with a context that is done.
func cancelled(t *tester) {
	t.mustPut(id1, "a", 0, seen, long)
	t.merge(id1, "w", 1, seen, long)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func(){
		"Read": func() {
			doc, _, _, err := t.store.Read(ctx, id1)
			if err == nil && doc == nil {
				t.Errorf("Read with a context that is done says absent without an error: an error is not an absence")
			}
		},
		"Put": func() {
			if stored, err := t.store.Put(ctx, id1, series, document("b"), seen, seen+1, long); err != nil && stored {
				t.Errorf("Put reported both success and %v", err)
			}
		},
		"Merge":  func() { _, _ = t.store.Merge(ctx, id2, series, "w", store.Activity{Views: 1, LastSeen: seen}, long) },
		"Delete": func() { _ = t.store.Delete(ctx, id2) },
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			call()
		}()
		limit := time.NewTimer(5 * time.Second)
		select {
		case <-done:
		case <-limit.C:
			t.Errorf("%s did not return within 5 s of its context's end: methods return soon after ctx is done", name)
			<-done
		}
		limit.Stop()
	}
	switch s := t.read(id1); {
	case s.doc == "a" && s.version == seen, s.doc == "b" && s.version == seen+1:
	default:
		t.Errorf("after a cancelled Put, Read = %+v: it is stored whole or not at all", s)
	}
	t.mustCount(id1, 1, seen, "a cancelled Put keeps the activity")
}
