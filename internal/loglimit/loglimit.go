// Package loglimit bounds how fast a log grows, whatever clients do.
//
// It owns which lines are alike: those of one level whose messages are the same up to the
// first digit or quote, and up to 64 bytes. Of lines that are alike the first is written
// at once and then at most one a [Every]: the latest, with the attribute moreLikeIt, which
// says how many others are left out. A line that is like no other is never delayed.
package loglimit

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/footfall-go/footfall/internal/count"
)

const (
	// Every is how often a line of one kind is written.
	Every = time.Second

	maxKinds   = 256 // remembered; further lines are alike
	maxKind    = 64  // bytes
	moreLikeIt = "moreLikeIt"
)

var leftOut = count.Process.Bound("log_lines_left_out", "Lines of the log that were not written, because more than one of their kind came within a second.")

// Logger returns a logger that writes to another, bounded. One that is bounded already
// is returned as it is.
func Logger(to *slog.Logger) *slog.Logger {
	if _, bounded := to.Handler().(*handler); bounded {
		return to
	}
	return slog.New(&handler{to: to.Handler(), kinds: &kinds{recent: map[string]*kind{}}})
}

// A handler is the end of a logger. Those that are derived from it share its kinds.
type handler struct {
	to    slog.Handler
	kinds *kinds
}

type kinds struct {
	mu     sync.Mutex
	recent map[string]*kind // those of which a line was written within Every
}

// A kind is lines that are alike.
type kind struct {
	latest slog.Record // of those that wait
	to     slog.Handler
	wait   int // how many wait
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.to.Enabled(ctx, level)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.to.WithAttrs(attrs), h.kinds}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.to.WithGroup(name), h.kinds}
}

func (h *handler) Handle(ctx context.Context, line slog.Record) error {
	if h.kinds.holdsBack(h.to, line) {
		return nil
	}
	return h.to.Handle(ctx, line)
}

// holdsBack reports whether a line has to wait because one like it was just written.
func (k *kinds) holdsBack(to slog.Handler, line slog.Record) bool {
	name := kindOf(line)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.recent[name] == nil && len(k.recent) >= maxKinds {
		name = "other"
	}
	if of := k.recent[name]; of != nil {
		if of.wait > 0 {
			leftOut.Add(1) // the one before it
		}
		of.latest, of.to = line.Clone(), to
		of.wait++
		return true
	}
	k.recent[name] = &kind{}
	time.AfterFunc(Every, func() { k.release(name) })
	return false
}

// release writes the latest line that waits, and forgets a kind of which none does.
func (k *kinds) release(name string) {
	k.mu.Lock()
	of := k.recent[name]
	if of.wait == 0 {
		delete(k.recent, name)
		k.mu.Unlock()
		return
	}
	line, to, others := of.latest, of.to, of.wait-1
	*of = kind{}
	time.AfterFunc(Every, func() { k.release(name) })
	k.mu.Unlock()
	if others > 0 {
		line.AddAttrs(slog.Int(moreLikeIt, others))
	}
	_ = to.Handle(context.Background(), line) // there is nobody to tell
}

// kindOf is what lines that are alike have in common.
func kindOf(line slog.Record) string {
	text := line.Message[:min(len(line.Message), maxKind)]
	if i := strings.IndexAny(text, "0123456789\"'`"); i >= 0 {
		text = text[:i]
	}
	return line.Level.String() + " " + text
}
