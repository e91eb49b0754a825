package sqlitearchive

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// A shop may name values after what visitors choose, such as products on a wish list. A
// session keeps 4 KiB of values, but what was removed again has no size.
func TestAppend_KeepsFewRemovedValues(t *testing.T) {
	a, visit := shopOf(t)
	at := time.Now().Truncate(time.Millisecond)
	id := visit("v", "/", "", at)
	fact := func(key, value string, ms int) store.Fact {
		return &store.ValueSet{SessionID: id, Key: key, Value: store.Value{JSON: json.RawMessage(value)}, At: at.Add(time.Duration(ms) * time.Millisecond)}
	}
	add := func(facts ...store.Fact) {
		t.Helper()
		if err := a.Append(t.Context(), facts); err != nil {
			t.Fatal(err)
		}
	}
	want := func(why string, want map[string]string) {
		t.Helper()
		s, _, err := a.Session(t.Context(), id)
		got := map[string]string{}
		for key, v := range s.Values {
			got[key] = string(v.JSON)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the session's values are %v, %v, want %v: %s", got, err, want, why)
		}
	}
	key := func(n int) string { return fmt.Sprint("wish:", n) }
	add(fact("cart", "1", 1), fact("first", "1", 2))
	var all []store.Fact
	for n := range 900 {
		all = append(all, fact(key(n), "1", 10+2*n), fact(key(n), "", 11+2*n))
		if n%100 == 99 {
			add(all[len(all)-200:]...)
		}
	}
	if n := count(t, a, `SELECT count(*) FROM session_values`); n > 100 {
		t.Errorf("%d values are kept of a session whose visitor removed 900: who reads it looks at each of them", n)
	}
	want("what was not removed stays", map[string]string{"cart": "1", "first": "1"})
	add(fact(key(5), "1", 20), fact(key(899), "1", 1808), fact("first", "", 3))
	want("a value that was removed later does not come back, however long ago", map[string]string{"cart": "1"})
	add(fact(key(5), "2", 5000), fact("new", "1", 1809))
	want("a value can be set after it was removed", map[string]string{"cart": "1", key(5): "2", "new": "1"})
	add(all...)
	want("a replay changes nothing", map[string]string{"cart": "1", key(5): "2", "new": "1"})
}
