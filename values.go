package footfall

import (
	"context"
	"encoding/json"

	"github.com/footfall-go/footfall/internal/request"
)

// Value reads what [Tracker.SetValue] kept under a key in the request's session
// into the variable that into points to. It reports whether there was anything.
// ctx is the request's.
func (t *Tracker) Value(ctx context.Context, key string, into any) (bool, error) {
	r := request.From(ctx)
	if r == nil {
		return false, ErrNoRequest
	}
	return r.ReadValue(key, into)
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

func (t *Tracker) updateValue(ctx context.Context, key string, lasting bool, edit func(json.RawMessage) (any, error)) error {
	r := request.From(ctx)
	if r == nil {
		return ErrNoRequest
	}
	return r.UpdateValue(ctx, key, lasting, edit)
}
