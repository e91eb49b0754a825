package request

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/store"
)

func to(value any) func(json.RawMessage) (any, error) {
	return func(json.RawMessage) (any, error) { return value, nil }
}

func TestWithValue_EditsACopy(t *testing.T) {
	before := map[string]store.Value{"a": {JSON: json.RawMessage(`1`), Keep: true}, "b": {JSON: json.RawMessage(`2`)}}
	var saw json.RawMessage
	after, encoded, err := withValue(before, "b", true, func(old json.RawMessage) (any, error) { saw = old; return "x", nil })
	if err != nil || string(saw) != "2" || string(encoded) != `"x"` || string(after["b"].JSON) != `"x"` || !after["b"].Keep || !after["a"].Keep {
		t.Errorf("editing the value %s gave %v, %s, %v: the edit has to see the value before, and to replace that alone", saw, after, encoded, err)
	}
	if string(before["b"].JSON) != "2" || before["b"].Keep || len(before) != 2 {
		t.Errorf("the record's own values were changed to %v: others are reading them, and an edit may be tried again", before)
	}
	if after, encoded, err = withValue(before, "a", true, to(nil)); err != nil || encoded != nil || len(after) != 1 || len(before) != 2 {
		t.Errorf("a value that becomes nil leaves %v, %s, %v: it has to be removed from the copy", after, encoded, err)
	}
	if after, _, err = withValue(nil, "a", false, to(1)); err != nil || string(after["a"].JSON) != "1" {
		t.Errorf("the first value of a session gives %v, %v", after, err)
	}
	if after, _, err = withValue(nil, "a", false, to(nil)); err != nil || len(after) != 0 {
		t.Errorf("removing a value that is not there gives %v, %v", after, err)
	}
}

func TestWithValue_AllOfASessionAreBounded(t *testing.T) {
	fits := strings.Repeat("x", maxValues-len(`"a":{"json":""},`))
	values, _, err := withValue(nil, "a", false, to(fits))
	if err != nil {
		t.Fatalf("key and value of exactly %d bytes are refused: %v", maxValues, err)
	}
	if _, _, err := withValue(nil, "a", false, to(fits+"x")); err == nil {
		t.Errorf("key and value of %d bytes are accepted: a session keeps at most %d", maxValues+1, maxValues)
	}
	if _, _, err := withValue(values, "b", false, to(1)); err == nil {
		t.Error("a second value is accepted in a session that is full: the bound is for all of them")
	}
	if _, _, err := withValue(values, "b", false, to(nil)); err != nil {
		t.Errorf("nothing can be removed from a session that is full: %v", err)
	}
	if _, _, err := withValue(values, "a", false, to(1)); err != nil {
		t.Errorf("a value of a session that is full cannot be made smaller: %v", err)
	}
}

func TestWithValue_AnEditThatFailsChangesNothing(t *testing.T) {
	no := errors.New("no")
	values, _, err := withValue(map[string]store.Value{"a": {}}, "a", false, func(json.RawMessage) (any, error) { return 1, no })
	if !errors.Is(err, no) || values != nil {
		t.Errorf("an edit that fails gives %v, %v: the shop has to get its own error", values, err)
	}
	if _, _, err := withValue(nil, "a", false, to(func() {})); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("a value that JSON cannot write gives %v: the error has to name the key", err)
	}
}

// What passes as a key is a key of its own in every store.
func TestUpdateValue_KeysDoNotCollide(t *testing.T) {
	values := map[string]store.Value{}
	keys := []string{"a", "A", "ä", "a\u0308", "\ufffd", "\ufffd\ufffd", `\ufffd`, `"`, `\`, "<", "&lt;", " ", "a ", "\u00a0", "null", "🛒"}
	for i, key := range keys {
		if err := checkKey(key); err != nil {
			t.Errorf("the key %q is refused: %v", key, err)
		}
		values[key] = store.Value{JSON: json.RawMessage(strconv.Itoa(i))}
	}
	stored, err := json.Marshal(values)
	var back map[string]store.Value
	if err != nil || json.Unmarshal(stored, &back) != nil || len(back) != len(keys) {
		t.Fatalf("%d keys are stored as %s, %v", len(keys), stored, err)
	}
	for i, key := range keys {
		if string(back[key].JSON) != strconv.Itoa(i) {
			t.Errorf("the key %q finds the value %s, want %d: two keys are one in the store", key, back[key].JSON, i)
		}
	}
	if _, _, err := withValue(nil, "a", false, to(json.RawMessage("\"\xff\""))); err == nil {
		t.Error("a value whose JSON is not UTF-8 is accepted: a store would change it, or refuse all that comes with it")
	}
}

func TestUpdateValue_RefusesAKeyOutOfBounds(t *testing.T) {
	for _, key := range []string{"", strings.Repeat("k", maxValueKey+1), "cart\xff", "cart\xfe", "\xc3", "a\x00", "a\nb", "a\x1b[2J", "a\x7f", "a\u0085", "a\u202eb", "a\u2028"} {
		err := new(Request).UpdateValue(t.Context(), key, false, func(json.RawMessage) (any, error) {
			t.Error("the value of a key that is refused was edited")
			return nil, nil
		})
		if err == nil {
			t.Errorf("the key %+q is accepted: 1 to %d bytes of UTF-8 without control characters are allowed, others would be one key in a store", key, maxValueKey)
		}
		if _, err := new(Request).ReadValue(key, nil); err == nil {
			t.Errorf("the key %+q is read without an error: it cannot have been set", key)
		}
	}
}

func TestWithValue_IsMeasuredAsItIsStored(t *testing.T) {
	fits := strings.Repeat("<", maxValues-len(`"a":{"json":""},`))
	values, encoded, err := withValue(nil, "a", false, to(fits))
	if err != nil || len(encoded) != len(fits)+2 || valuesSize(values) != maxValues {
		t.Errorf("a value of %d times < has %d bytes, %v: nothing is escaped that JSON does not demand", len(fits), len(encoded), err)
	}
	if _, _, err := withValue(nil, `"`, false, to(strings.Repeat("x", maxValues-len(`"a":{"json":""},`)))); err == nil {
		t.Errorf("a key that takes two bytes as it is stored is counted as one: a session keeps at most %d bytes", maxValues)
	}
}

// A value takes more than its key and its JSON, and visitors may choose the keys.
func TestWithValue_ManySmallOnesAreMeasuredAsTheyAreStored(t *testing.T) {
	for _, lasting := range []bool{false, true} {
		values := map[string]store.Value{}
		for i := range maxValues {
			more, _, err := withValue(values, strconv.FormatInt(int64(i), 36), lasting, to(1))
			if err != nil {
				break
			}
			values = more
		}
		stored, err := json.Marshal(values)
		if err != nil || len(stored) > maxValues+len(`{}`) || len(stored) < maxValues-40 {
			t.Errorf("%d small values take %d bytes (%v): a session keeps %d", len(values), len(stored), err, maxValues)
		}
	}
}

// Two keys that differ in bytes which are not UTF-8 would be one key in JSON.
func TestUpdateValue_AKeyIsTextThatJSONKeeps(t *testing.T) {
	for _, key := range []string{"", "a\xff", "a\xfe", "a\x00", "line\n", "line\u2028", strings.Repeat("x", maxValueKey+1)} {
		if err := new(Request).UpdateValue(t.Context(), key, false, to(1)); err == nil || errors.Is(err, ErrNoSession) {
			t.Errorf("the key %q gives the error %v: a key is UTF-8 without control characters, or it is another in a store", key, err)
		}
	}
}
