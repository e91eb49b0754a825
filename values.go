package footfall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	value, ok := e.snapshot().Values[key]
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
	return t.setValue(ctx, key, value, false)
}

// SetLastingValue is SetValue for what concerns the browser more than the
// customer, a currency say: it survives an account switch too.
func (t *Tracker) SetLastingValue(ctx context.Context, key string, value any) error {
	return t.setValue(ctx, key, value, true)
}

func (t *Tracker) setValue(ctx context.Context, key string, value any, keep bool) error {
	v := visitFrom(ctx)
	if v == nil {
		return errNoVisit
	}
	if key == "" || len(key) > maxValueKey {
		return fmt.Errorf("footfall: a value's key has 1 to %d bytes", maxValueKey)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("footfall: value %q: %w", key, err)
	}
	if value == nil {
		encoded = nil
	}
	v.mu.Lock()
	e, secretHash := v.sessionLocked(false), v.token.secret.hash()
	s, unknown := v.standing, v.err
	v.mu.Unlock()
	if unknown != nil {
		return unknown
	}
	if e == nil || s != current {
		return ErrNoSession
	}
	if !e.isBegun() {
		t.begin(v.r, e)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.config.StoreTimeout)
	defer cancel()
	rec, err := t.change(ctx, e, func(rec *Record) error {
		if !rec.EndedAt.IsZero() || rec.Cred.SecretHash != secretHash {
			return ErrNoSession
		}
		rec.Values = maps.Clone(rec.Values)
		if encoded == nil {
			delete(rec.Values, key)
			return nil
		}
		if rec.Values == nil {
			rec.Values = map[string]Value{}
		}
		rec.Values[key] = Value{JSON: encoded, Keep: keep}
		if size := valuesSize(rec.Values); size > maxValues {
			return fmt.Errorf("footfall: value %q: a session keeps at most %d bytes, not %d", key, maxValues, size)
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.record(v.r, e, &ValueSet{SessionID: rec.SessionID, Key: key, Value: Value{JSON: encoded, Keep: keep}, At: now()})
	return nil
}

func valuesSize(values map[string]Value) int {
	size := 0
	for key, v := range values {
		size += len(key) + len(v.JSON)
	}
	return size
}
