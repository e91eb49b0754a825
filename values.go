package footfall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/footfall-go/footfall/internal/clock"
)

const (
	maxValues   = 4 << 10 // bytes of keys and JSON in a session
	maxValueKey = 64
)

// ErrNoSession says that the request has no session to keep a value in.
var ErrNoSession = errors.New("footfall: the request has no session")

// Value reads what [Tracker.SetValue] kept under a key in the request's session
// into the variable that into points to. It reports whether there was anything.
// ctx is the request's.
func (t *Tracker) Value(ctx context.Context, key string, into any) (bool, error) {
	v := visitFrom(ctx)
	if v == nil {
		return false, errNoVisit
	}
	v.mu.Lock()
	e, s, err := v.entry, v.standing, v.err
	v.mu.Unlock()
	if err != nil {
		return false, err
	}
	if e == nil || s != current {
		return false, nil
	}
	value, ok := e.Snapshot().Values[key]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(value.JSON, into)
}

// SetValue keeps something small in the request's session: a cart's id, a
// currency. All values of a session take at most 4 KiB of JSON. They survive
// login; an account switch drops them. A nil value removes the key. ctx is the
// request's. An error that wraps [ErrUnavailable] means that nothing was kept.
func (t *Tracker) SetValue(ctx context.Context, key string, value any) error {
	return t.updateValue(ctx, key, false, func(json.RawMessage) (any, error) { return value, nil })
}

// SetLastingValue is SetValue for what concerns the browser more than the
// customer, a currency say: it survives an account switch too.
func (t *Tracker) SetLastingValue(ctx context.Context, key string, value any) error {
	return t.updateValue(ctx, key, true, func(json.RawMessage) (any, error) { return value, nil })
}

// UpdateValue is SetValue for a value that depends on the one before: edit gets
// what is there, nil for nothing, and returns what is to be. It may be called
// again if another request of the session was faster, so that nothing is lost.
func (t *Tracker) UpdateValue(ctx context.Context, key string, edit func(before json.RawMessage) (any, error)) error {
	return t.updateValue(ctx, key, false, edit)
}

func (t *Tracker) updateValue(ctx context.Context, key string, keep bool, edit func(json.RawMessage) (any, error)) error {
	v := visitFrom(ctx)
	if v == nil {
		return errNoVisit
	}
	if key == "" || len(key) > maxValueKey {
		return fmt.Errorf("footfall: a value's key has 1 to %d bytes", maxValueKey)
	}
	v.mu.Lock()
	e, secretHash := v.sessionLocked(false), v.token.Secret.Hash()
	s, unknown := v.standing, v.err
	v.mu.Unlock()
	if unknown != nil {
		return unknown
	}
	if e == nil || s != current {
		return ErrNoSession
	}
	if !e.Begun() {
		t.begin(v.r, e, nil)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.config.StoreTimeout)
	defer cancel()
	var encoded json.RawMessage
	e, rec, err := t.change(ctx, e, func(rec *Record) (err error) {
		if !rec.EndedAt.IsZero() || rec.SecretHash != secretHash {
			return ErrNoSession
		}
		rec.Values, encoded, err = withValue(rec.Values, key, keep, edit)
		return err
	})
	if errors.Is(err, errEnded) {
		return ErrNoSession
	}
	if err != nil {
		return err
	}
	// The version orders what was set in parallel.
	t.record(v.r, e, &ValueSet{SessionID: rec.SessionID, Key: key, Value: Value{JSON: encoded, Keep: keep}, At: clock.FromMillis(rec.Version)})
	return nil
}

// withValue returns a copy of values in which one is edited.
func withValue(values map[string]Value, key string, keep bool, edit func(json.RawMessage) (any, error)) (map[string]Value, json.RawMessage, error) {
	values = maps.Clone(values)
	value, err := edit(values[key].JSON)
	if err != nil {
		return nil, nil, err
	}
	if value == nil {
		delete(values, key)
		return values, nil, nil
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, nil, fmt.Errorf("footfall: value %q: %w", key, err)
	}
	if values == nil {
		values = map[string]Value{}
	}
	values[key] = Value{JSON: encoded, Keep: keep}
	if size := valuesSize(values); size > maxValues {
		return nil, nil, fmt.Errorf("footfall: value %q: a session keeps at most %d bytes, not %d", key, maxValues, size)
	}
	return values, encoded, nil
}

func valuesSize(values map[string]Value) int {
	size := 0
	for key, v := range values {
		size += len(key) + len(v.JSON)
	}
	return size
}
