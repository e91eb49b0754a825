package request

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/internal/sessions"
	"github.com/footfall-go/footfall/store"
)

const (
	maxValues   = 4 << 10 // bytes of a session's values, as they are stored
	maxValueKey = 64
)

// checkKey says why a store could not keep a key apart from all others: JSON has no
// form for bytes that are not UTF-8, so that two such keys would be one in a store.
func checkKey(key string) error {
	switch {
	case key == "" || len(key) > maxValueKey:
		return fmt.Errorf("footfall: a value's key has 1 to %d bytes, not %d", maxValueKey, len(key))
	case enrich.Text(key, maxValueKey) != key:
		return fmt.Errorf("footfall: the value's key %+q is not UTF-8, or has control characters", key)
	}
	return nil
}

// ReadValue reads a value of the request's session. It reports whether there is one.
func (r *Request) ReadValue(key string, into any) (bool, error) {
	if err := checkKey(key); err != nil {
		return false, err
	}
	r.mu.Lock()
	e, standing, err := r.entry, r.standing, r.err
	r.mu.Unlock()
	if err != nil || e == nil || standing != sessions.Current {
		return false, err
	}
	value, ok := e.Snapshot().Values[key]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(value.JSON, into)
}

// UpdateValue replaces a value of the request's session by what edit makes of the
// one before, nil for nothing; lasting ones survive an account switch. edit is
// called again if another request of the session was faster.
func (r *Request) UpdateValue(ctx context.Context, key string, lasting bool, edit func(json.RawMessage) (any, error)) error {
	if err := checkKey(key); err != nil {
		return err
	}
	r.mu.Lock()
	e, hash := r.session(false), r.token.Secret.Hash()
	standing, unknown := r.standing, r.err
	r.mu.Unlock()
	if unknown != nil {
		return unknown
	}
	if e == nil {
		return fmt.Errorf("%w: %s", ErrNoSession, r.whyNoSession())
	}
	if standing != sessions.Current {
		return ErrNoSession
	}
	if !e.Begun() {
		r.q.Sessions.Announce(r, e)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.q.Budget)
	defer cancel()
	var encoded json.RawMessage
	e, rec, err := r.q.Sessions.Replace(ctx, e, func(rec *store.Record) (err error) {
		if !rec.EndedAt.IsZero() || rec.SecretHash != hash {
			return ErrNoSession
		}
		rec.Values, encoded, err = withValue(rec.Values, key, lasting, edit)
		return err
	})
	if errors.Is(err, sessions.ErrEnded) {
		return ErrNoSession
	}
	if err != nil {
		return err
	}
	// The version orders what was set in parallel.
	r.q.Sessions.RecordValue(r, e, &store.ValueSet{
		SessionID: rec.SessionID, Key: key, Value: store.Value{JSON: encoded, Keep: lasting}, At: clock.FromMillis(rec.Version),
	})
	return nil
}

// withValue returns a copy of values in which one is edited.
func withValue(values map[string]store.Value, key string, lasting bool, edit func(json.RawMessage) (any, error)) (map[string]store.Value, json.RawMessage, error) {
	values = maps.Clone(values)
	value, err := edit(values[key].JSON)
	if err != nil {
		return nil, nil, err
	}
	if value == nil {
		delete(values, key)
		return values, nil, nil
	}
	encoded, err := jsontext.Marshal(value)
	if err != nil {
		return nil, nil, fmt.Errorf("footfall: value %q: %w", key, err)
	}
	if !utf8.Valid(encoded) { // a json.RawMessage, or what a MarshalJSON returned
		return nil, nil, fmt.Errorf("footfall: value %q: its JSON is not UTF-8", key)
	}
	if values == nil {
		values = map[string]store.Value{}
	}
	values[key] = store.Value{JSON: encoded, Keep: lasting}
	if size := valuesSize(values); size > maxValues {
		return nil, nil, fmt.Errorf("footfall: value %q: a session keeps at most %d bytes, not %d", key, maxValues, size)
	}
	return values, encoded, nil
}

// valuesSize is how many bytes values take as they are stored.
func valuesSize(values map[string]store.Value) int {
	size := 0
	for key, v := range values {
		size += len(`"":{"json":},`) + jsontext.Size(key) + len(v.JSON)
		if v.Keep {
			size += len(`,"keep":true`)
		}
	}
	return size
}
