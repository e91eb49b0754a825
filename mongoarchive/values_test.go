package mongoarchive_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/store"
)

func valueRemoved(session int, key string, ms int) *store.ValueSet {
	return &store.ValueSet{SessionID: sessionID(session), Key: key, At: began.Add(time.Duration(ms) * time.Millisecond)}
}

// A shop may name values after what visitors choose, such as products on a wish list. A
// session keeps 4 KiB of values, but what was removed again has no size.
func TestAppend_KeepsFewRemovedValues(t *testing.T) {
	t.Parallel()
	uri := database(t, testserver.MongoDB(t))
	a := open(t, uri)
	mustAppend(t, a, begun(1), valueSet(1, "cart", 1), valueSet(1, "first", 2))
	key := func(i int) string { return fmt.Sprint("wish:", i) }
	for round := range 3 {
		mustAppend(t, a, repeated(300, func(i int) []store.Fact {
			n := 300*round + i
			return []store.Fact{valueSet(1, key(n), 10+2*n), valueRemoved(1, key(n), 11+2*n)}
		})...)
	}
	var stored struct {
		Values bson.Raw `bson:"values"`
	}
	if err := raw(t, uri, "sessions").FindOne(t.Context(), bson.M{"_id": sessionID(1)}).Decode(&stored); err != nil {
		t.Fatal(err)
	}
	if n := len(stored.Values); n > 16<<10 {
		t.Errorf("the values of a session whose visitor removed 900 take %d bytes: they grow to the 16 MB that a document can have, and each fact of the session takes longer", n)
	}
	want := func(why string, want map[string]string) {
		t.Helper()
		s, _, err := a.Session(t.Context(), sessionID(1))
		got := map[string]string{}
		for key, v := range s.Values {
			got[key] = string(v.JSON)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the session's values are %v, %v, want %v: %s", got, err, want, why)
		}
	}
	want("what was not removed stays", map[string]string{"cart": "1", "first": "1"})
	// Another instance's journal may come late.
	mustAppend(t, a, valueSet(1, key(5), 20), valueSet(1, key(899), 1808), valueRemoved(1, "first", 2+1))
	want("a value that was removed later does not come back, however long ago", map[string]string{"cart": "1"})
	again := valueSet(1, key(5), 5000)
	again.Value.JSON = json.RawMessage("2")
	mustAppend(t, a, again, valueSet(1, "new", 1809))
	want("a value can be set after it was removed", map[string]string{"cart": "1", key(5): "2", "new": "1"})
	mustAppend(t, a, repeated(900, func(n int) []store.Fact { return []store.Fact{valueRemoved(1, key(n), 11+2*n)} })...) // a replay
	want("a replay changes nothing", map[string]string{"cart": "1", key(5): "2", "new": "1"})
}
