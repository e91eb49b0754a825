package footfall

import (
	"context"
	"encoding/json"
	"slices"

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
// currency. A key has 1 to 64 bytes of UTF-8 without control characters; all keys and
// values of a session take at most 4 KiB of JSON as they are stored. Values survive
// login; an account switch drops them unless they are
// [Lasting]. A nil value removes the key. ctx is the request's.
//
// An error that wraps [ErrUnavailable] means that nothing was kept, [ErrNoSession]
// that there is no session to keep it in: a bot's request, say.
//
// The hot store has the value when SetValue returns. The archive gets the first 32 that a
// session sets in 10 s at once, and of more the last one of each key, within 200 ms: with
// a hot store in memory, a process that is killed in that moment goes back to the one before.
func (t *Tracker) SetValue(ctx context.Context, key string, value any, options ...ValueOption) error {
	return t.UpdateValue(ctx, key, func(json.RawMessage) (any, error) { return value, nil }, options...)
}

// UpdateValue is SetValue for a value that depends on the one before: edit gets
// what is there, nil for nothing, and returns the new value. edit may be called
// again if another request of the session was faster, so that nothing is lost.
func (t *Tracker) UpdateValue(ctx context.Context, key string, edit func(before json.RawMessage) (any, error), options ...ValueOption) error {
	r := request.From(ctx)
	if r == nil {
		return ErrNoRequest
	}
	return r.UpdateValue(ctx, key, slices.Contains(options, Lasting), edit)
}
