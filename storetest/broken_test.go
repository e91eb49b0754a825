package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/store"
)

// The suite has to pass a correct store, and to catch each of these defects.
var defects = []struct {
	defect string
	rules  []string // at least these rules catch it
}{
	{"", nil},
	{"last write wins", []string{"put_compares_versions", "racing_updates"}},
	{"insert overwrites", []string{"put_inserts_only_when_absent", "racing_inserts"}},
	{"put if newer", []string{"put_compares_versions"}},
	{"update inserts", []string{"update_never_inserts", "life"}},
	{"versions are floats", []string{"versions_are_exact"}},
	{"versions are compared as 32 bits", []string{"versions_are_exact"}},
	{"ttl 0 is for ever", []string{"no_ttl_deletes"}},
	{"ttl 0 deletes without comparing", []string{"no_ttl_deletes"}},
	{"keeps the caller's document", []string{"documents_are_copied"}},
	{"returns its own document", []string{"documents_are_copied"}},
	{"documents are written anew", []string{"documents_come_back_byte_for_byte"}},
	{"documents are cut at 32 KiB", []string{"documents_come_back_byte_for_byte"}},
	{"the merged activity is in the document", []string{"documents_come_back_byte_for_byte"}},
	{"one series for ever", []string{"a_series_begins_anew"}},
	{"another series keeps the counts", []string{"a_series_begins_anew"}},
	{"merge never says no", []string{"a_series_begins_anew", "merge_on_nothing"}},
	{"put resets activity", []string{"activity_survives_put"}},
	{"merges are added", []string{"merge_takes_the_greatest", "merge_in_any_order"}},
	{"the last merge wins", []string{"merge_takes_the_greatest", "merge_in_any_order"}},
	{"the last lastSeen wins", []string{"merge_takes_the_greatest"}},
	{"one count for all writers", []string{"merge_takes_the_greatest", "parallel_merges"}},
	{"writers share the record's fields", []string{"merge_takes_the_greatest"}},
	{"merge inserts", []string{"merge_on_nothing"}},
	{"activity waits for a record", []string{"merge_on_nothing"}},
	{"activity outlives its record", []string{"merge_on_nothing", "no_ttl_deletes"}},
	{"merge shortens", []string{"life"}},
	{"merge does not extend", []string{"life"}},
	{"merge makes immortal", []string{"life"}},
	{"never expires", []string{"life"}},
	{"expired is readable", []string{"life"}},
	{"expired cannot be replaced", []string{"life"}},
	{"put keeps the ttl", []string{"life"}},
	{"delete needs a record", []string{"delete"}},
	{"delete only hides", []string{"merge_on_nothing"}},
	{"absence is an error", []string{"absent_is_nil"}},
	{"absence is an empty document", []string{"absent_is_nil"}},
	{"ids are cut short", []string{"ids_are_not_confused"}},
	{"ids are hashed to their ends", []string{"ids_are_not_confused"}},
	{"what it did not write is an error", []string{"corrupt_records"}},
	{"what it did not write is an absence", []string{"corrupt_records"}},
	{"what it did not write is replaced", []string{"corrupt_records"}},
	{"what it did not write cannot be deleted", []string{"corrupt_records"}},
	{"what it did not write takes counts", []string{"corrupt_records"}},
	{"what it did not write has the version that it says", []string{"corrupt_records"}},
	{"put is not atomic", []string{"racing_inserts", "racing_updates", "read_change_put"}},
	{"merge is not atomic", []string{"parallel_merges"}},
	{"waits in spite of its context", []string{"cancelled"}},
	{"a cancelled read is an absence", []string{"cancelled"}},
	{"a cancelled put stores half", []string{"cancelled"}},
	{"events are page views", []string{"counts_are_kept_apart"}},
	{"orders are forgotten", []string{"counts_are_kept_apart"}},
	{"writers without end", []string{"writers_are_bounded", "worst_session_takes_bounded_bytes"}},
	{"a writer more drops another", []string{"writers_are_bounded"}},
	{"a full record refuses everybody", []string{"writers_are_bounded"}},
	{"a full record stays full", []string{"writers_are_bounded"}},
	{"documents are escaped for HTML", []string{"worst_session_takes_bounded_bytes"}},
	{"keeps every merge", []string{"work_does_not_grow"}},
	{"keeps what was deleted", []string{"work_does_not_grow"}},
}

func TestRun_CatchesDefects(t *testing.T) {
	for _, d := range defects {
		t.Run(strings.ReplaceAll(d.defect, " ", "_"), func(t *testing.T) {
			var caught []string
			for _, r := range append(rules, costRules...) {
				synctest.Test(t, func(t *testing.T) {
					rec := &recorder{ctx: t.Context()}
					rec.run(func() {
						r.check(&tester{rec, &broken{defect: d.defect, records: map[string]*record{}, foreign: map[string][]byte{}}, time.Sleep, plant, bytesOf})
					})
					if rec.failed() {
						caught = append(caught, r.name)
						t.Logf("%s:\n\t%s", r.name, strings.Join(rec.messages, "\n\t"))
					}
					for _, m := range rec.messages {
						if !strings.Contains(m, ":") {
							t.Errorf("the failure %q does not explain the rule that broke", m)
						}
					}
				})
			}
			switch {
			case d.defect == "" && len(caught) > 0:
				t.Errorf("a correct store failed %q", caught)
			case d.defect != "" && len(caught) == 0:
				t.Errorf("the suite does not notice a store where %s", d.defect)
			}
			for _, want := range d.rules {
				if !slices.Contains(caught, want) {
					t.Errorf("%s did not catch it; these did: %q", want, caught)
				}
			}
		})
	}
}

// A recorder is a TB that collects failures without failing the test.
type recorder struct {
	ctx      context.Context
	mu       sync.Mutex
	messages []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) failed() bool { return len(r.messages) > 0 }

func (r *recorder) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// broken is a simple store with one defect, or with none.
type broken struct {
	defect  string
	mu      sync.Mutex
	records map[string]*record
	foreign map[string][]byte           // what was planted
	left    map[string]map[string]int64 // activity merged without a record
	kept    int64                       // bytes of what was deleted
}

var _ store.HotStore = (*broken)(nil)

func plant(s store.HotStore, id, value string) {
	b := s.(*broken)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.records, b.key(id))
	b.foreign[id] = []byte(value)
}

type record struct {
	doc      []byte
	series   string
	version  int64
	expires  time.Time
	immortal bool
	hidden   bool
	writers  map[string]int64
	events   map[string]int64
	orders   map[string]int64
	kept     int64 // bytes that nobody needs
	lastSeen int64
}

// bytesOf is about what the store takes.
func bytesOf(s store.HotStore, ids []string) int64 {
	b := s.(*broken)
	b.mu.Lock()
	defer b.mu.Unlock()
	n := int64(0)
	for _, id := range ids {
		r := b.records[b.key(id)]
		if r == nil {
			continue
		}
		doc := r.doc
		if b.is("documents are escaped for HTML") {
			doc, _ = json.Marshal(string(doc))
		}
		n += int64(len(id)+len(doc)+64*len(r.writers)) + r.kept
	}
	if b.is("keeps what was deleted") {
		n += b.kept
	}
	return n
}

func (b *broken) is(defect string) bool { return b.defect == defect }

func (b *broken) key(id string) string {
	switch {
	case b.is("ids are cut short"):
		return id[:32]
	case b.is("ids are hashed to their ends"):
		return id[len(id)-8:]
	}
	return id
}

func (b *broken) live(id string) *record {
	r := b.records[b.key(id)]
	switch {
	case r == nil || r.hidden:
		return nil
	case b.is("never expires") || r.immortal || time.Now().Before(r.expires):
		return r
	}
	return nil
}

func (b *broken) Read(ctx context.Context, id string) (doc []byte, version int64, all store.Activity, err error) {
	if b.is("waits in spite of its context") && ctx.Err() != nil {
		time.Sleep(time.Hour)
	}
	if b.is("a cancelled read is an absence") && ctx.Err() != nil {
		return nil, 0, store.Activity{}, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if value, ok := b.foreign[id]; ok {
		switch {
		case b.is("what it did not write is an error"):
			return nil, 0, store.Activity{}, errors.New("corrupt")
		case b.is("what it did not write is an absence"):
			return nil, 0, store.Activity{}, nil
		case b.is("what it did not write has the version that it says"):
			var d struct{ Version int64 }
			_ = json.Unmarshal(value, &d)
			return bytes.Clone(value), d.Version, store.Activity{}, nil
		}
		return append([]byte{}, value...), 0, store.Activity{}, nil
	}
	r := b.live(id)
	if r == nil && b.is("expired is readable") {
		r = b.records[b.key(id)]
	}
	if r == nil {
		switch {
		case b.is("absence is an error"):
			return nil, 0, store.Activity{}, errors.New("not found")
		case b.is("absence is an empty document"):
			return []byte{}, 0, store.Activity{}, nil
		}
		return nil, 0, store.Activity{}, nil
	}
	for _, n := range r.writers {
		all.Views += n
	}
	for _, n := range r.events {
		all.Events += n
	}
	for _, n := range r.orders {
		all.Orders += n
	}
	all.LastSeen = r.lastSeen
	doc, version = bytes.Clone(r.doc), r.version
	if b.is("returns its own document") {
		doc = r.doc
	}
	if n := r.writers["version"]; n != 0 && b.is("writers share the record's fields") {
		version = n
	}
	return doc, version, all, nil
}

func (b *broken) matches(r *record, previous, version int64) bool {
	switch {
	case r == nil:
		return previous == 0 || b.is("update inserts")
	case b.is("last write wins"):
		return previous != 0
	case b.is("insert overwrites") && previous == 0:
		return true
	case b.is("put if newer"):
		return version > r.version && previous != 0
	case b.is("versions are floats"):
		return float32(r.version) == float32(previous)
	case b.is("versions are compared as 32 bits"):
		return int32(r.version>>4) == int32(previous>>4)
	}
	return r.version == previous
}

func (b *broken) Put(ctx context.Context, id, series string, doc []byte, previous, version int64, ttl time.Duration) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.foreign[id]; ok {
		if !b.is("what it did not write is replaced") {
			return false, nil
		}
		delete(b.foreign, id)
	}
	r := b.live(id)
	if !b.matches(r, previous, version) {
		if ttl <= 0 && b.is("ttl 0 deletes without comparing") {
			b.remove(id)
		}
		return false, nil
	}
	if r == nil && b.is("expired cannot be replaced") && b.records[b.key(id)] != nil {
		return false, nil
	}
	if ctx.Err() != nil && b.is("a cancelled put stores half") {
		r.doc = bytes.Clone(doc)
		return false, ctx.Err()
	}
	if b.is("put is not atomic") {
		b.mu.Unlock()
		time.Sleep(time.Millisecond)
		b.mu.Lock()
		r = b.live(id)
	}
	if ttl <= 0 && !b.is("ttl 0 is for ever") {
		b.remove(id)
		return true, nil
	}
	if r == nil {
		r = &record{writers: map[string]int64{}, expires: time.Now().Add(ttl)}
		if left := b.left[id]; left != nil {
			r.writers = left
		}
		b.records[b.key(id)] = r
	}
	if r.series != series && r.series != "" && !b.is("another series keeps the counts") && !b.is("a full record stays full") {
		r.writers, r.events, r.orders, r.lastSeen = map[string]int64{}, nil, nil, 0
	}
	r.series = series
	r.doc, r.version, r.immortal = bytes.Clone(doc), version, ttl <= 0
	if !b.is("put keeps the ttl") {
		r.expires = time.Now().Add(ttl)
	}
	switch {
	case b.is("keeps the caller's document"):
		r.doc = doc
	case b.is("documents are written anew"):
		var v any
		if json.Unmarshal(doc, &v) == nil {
			r.doc, _ = json.Marshal(v)
		}
	case b.is("documents are cut at 32 KiB"):
		r.doc = r.doc[:min(len(r.doc), 32<<10)]
	case b.is("put resets activity"):
		r.writers, r.lastSeen = map[string]int64{}, 0
	}
	return true, nil
}

func (b *broken) Merge(_ context.Context, id, series, writer string, a store.Activity, ttl time.Duration) (bool, error) {
	views, lastSeen := a.Views, a.LastSeen
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.foreign[id]; ok {
		return b.is("what it did not write takes counts"), nil
	}
	r := b.live(id)
	if r == nil {
		switch {
		case b.is("delete only hides") && b.records[b.key(id)] != nil:
			r = b.records[b.key(id)]
			r.hidden = false
		case b.is("merge inserts"):
			r = &record{doc: []byte("{}"), series: series, writers: map[string]int64{}, expires: time.Now().Add(ttl)}
			b.records[b.key(id)] = r
		case b.is("activity waits for a record"):
			b.left = map[string]map[string]int64{id: {writer: views}}
			return false, nil
		default:
			return b.is("merge never says no"), nil
		}
	}
	if r.series != series && !b.is("one series for ever") {
		return b.is("merge never says no"), nil
	}
	before := r.writers[writer]
	if b.is("merge is not atomic") {
		b.mu.Unlock()
		time.Sleep(time.Millisecond * time.Duration(100-min(views, 99))) // lower counts are written last
		b.mu.Lock()
	}
	if _, holds := r.writers[writer]; len(r.writers) >= store.MaxWriters && !b.is("writers without end") && (!holds || b.is("a full record refuses everybody")) {
		if !b.is("a writer more drops another") {
			return false, nil
		}
		for other := range r.writers {
			delete(r.writers, other)
			break
		}
	}
	if b.is("keeps every merge") {
		r.kept += 100
	}
	if r.events == nil {
		r.events, r.orders = map[string]int64{}, map[string]int64{}
	}
	r.events[writer] = max(r.events[writer], a.Events)
	if !b.is("orders are forgotten") {
		r.orders[writer] = max(r.orders[writer], a.Orders)
	}
	if b.is("events are page views") {
		views += a.Events
	}
	r.writers[writer] = max(before, views)
	r.lastSeen = max(r.lastSeen, lastSeen)
	until := time.Now().Add(ttl)
	if until.After(r.expires) != b.is("merge does not extend") || b.is("merge shortens") {
		r.expires = until
	}
	switch {
	case b.is("merges are added"):
		r.writers[writer] = before + views
	case b.is("the last merge wins"):
		r.writers[writer] = views
	case b.is("the last lastSeen wins"):
		r.lastSeen = lastSeen
	case b.is("one count for all writers"):
		most := views
		for _, n := range r.writers {
			most = max(most, n)
		}
		r.writers = map[string]int64{"all": most}
	case b.is("merge makes immortal"):
		r.immortal = true
	}
	if b.is("the merged activity is in the document") {
		r.doc = bytes.Replace(r.doc, []byte(`"pageViews":3`), fmt.Appendf(nil, `"pageViews":%d`, 3+views), 1)
	}
	return true, nil
}

func (b *broken) Delete(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live(id) == nil && b.is("delete needs a record") {
		return errors.New("not found")
	}
	b.remove(id)
	if !b.is("what it did not write cannot be deleted") {
		delete(b.foreign, id)
	}
	return nil
}

func (b *broken) remove(id string) {
	r := b.records[b.key(id)]
	b.kept += 100
	switch {
	case r != nil && b.is("delete only hides"):
		r.hidden = true
		return
	case r != nil && b.is("activity outlives its record"):
		if b.left == nil {
			b.left = map[string]map[string]int64{}
		}
		b.left[id] = r.writers
	}
	delete(b.records, b.key(id))
}
