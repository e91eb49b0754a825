// Package storetest is the conformance suite for [store.HotStore]. Every
// implementation runs it.
package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/store"
)

// A Harness tells the suite how to open an implementation.
type Harness struct {
	// Open makes an empty store, or one whose sessions nothing else uses, and
	// closes it with t.Cleanup. Required.
	Open func(t *testing.T) store.HotStore

	// Advance lets time pass for the store, by waiting or by moving a clock. One
	// case calls it, once. Required.
	Advance func(d time.Duration)

	// Bytes returns how much room a store takes for some records, or for all that it
	// holds if it cannot tell. Default: the rules on bytes are left out.
	Bytes func(s store.HotStore, ids []string) int64

	// Within runs a case. Default: the case runs as it is. A store in this
	// process passes [testing/synctest.Test] and lets Advance sleep.
	Within func(t *testing.T, f func(*testing.T))

	// Plant stores a value under a session's id past the store, as another program
	// or a damaged disk would. Nil for a store that nothing else can write to.
	Plant func(s store.HotStore, id, value string)
}

// TB is the part of [testing.TB] that a case uses. It is an interface so that the
// suite itself can be tested.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// Run tests an implementation.
func Run(t *testing.T, h Harness) {
	if h.Open == nil || h.Advance == nil {
		t.Fatal("storetest: Harness.Open and Harness.Advance are required")
	}
	within := h.Within
	if within == nil {
		within = func(t *testing.T, f func(*testing.T)) { f(t) }
	}
	t.Run("optional_interfaces", func(t *testing.T) {
		within(t, func(t *testing.T) { optionalInterfaces(t, h.Open(t)) })
	})
	for _, r := range append(rules, costRules...) {
		t.Run(r.name, func(t *testing.T) {
			within(t, func(t *testing.T) { r.check(&tester{t, h.Open(t), h.Advance, h.Plant, h.Bytes}) })
		})
	}
}

// A rule is one sentence of the contract, or a few that need the same set-up.
type rule struct {
	name  string
	check func(t *tester)
}

// A tester is a store with the calls that rules make to it.
type tester struct {
	TB
	store   store.HotStore
	advance func(time.Duration)
	plant   func(s store.HotStore, id, value string)
	bytes   func(s store.HotStore, ids []string) int64 // nil: the store cannot tell
}

const long = 10 * time.Minute

// Documents are JSON objects. In the rules a document is a short text, which is
// wrapped into an object unless it already looks like one.
func document(text string) []byte {
	if strings.HasPrefix(text, "{") {
		return []byte(text)
	}
	return fmt.Appendf(nil, `{"text":%q}`, text)
}

func textOf(doc []byte) string {
	var d struct{ Text string }
	if json.Unmarshal(doc, &d) == nil && bytes.Equal(document(d.Text), doc) {
		return d.Text
	}
	return string(doc)
}

// series is the series of most records.
const series = "s-1"

// A state holds the results of Read.
type state struct {
	doc      string
	absent   bool
	version  int64
	views    int64
	lastSeen int64
}

func (t *tester) read(id string) state {
	t.Helper()
	doc, version, all, err := t.store.Read(t.Context(), id)
	if err != nil {
		t.Fatalf("Read(%q): %v: an error means that the system failed, never that something is absent", id, err)
	}
	return state{textOf(doc), doc == nil, version, all.Views, all.LastSeen}
}

func (t *tester) put(id, doc string, previous, version int64, ttl time.Duration) bool {
	t.Helper()
	stored, err := t.store.Put(t.Context(), id, series, document(doc), previous, version, ttl)
	if err != nil {
		t.Fatalf("Put(%q, previous %d, version %d, ttl %v): %v: a version that does not match is no error", id, previous, version, ttl, err)
	}
	return stored
}

func (t *tester) mustPut(id, doc string, previous, version int64, ttl time.Duration) {
	t.Helper()
	if !t.put(id, doc, previous, version, ttl) {
		t.Fatalf("Put(%q, previous %d, version %d) stored nothing: the stored version is exactly previous, so it must", id, previous, version)
	}
}

func (t *tester) merge(id, writer string, views, lastSeen int64, ttl time.Duration) bool {
	t.Helper()
	return t.mergeInto(series, id, writer, views, lastSeen, ttl)
}

func (t *tester) mergeInto(series, id, writer string, views, lastSeen int64, ttl time.Duration) bool {
	t.Helper()
	merged, err := t.store.Merge(t.Context(), id, series, writer, store.Activity{Views: views, LastSeen: lastSeen}, ttl)
	if err != nil {
		t.Fatalf("Merge(%q, %q, %q, %d, %d, %v): %v: without a record it does nothing, with one it cannot fail", id, series, writer, views, lastSeen, ttl, err)
	}
	return merged
}

func (t *tester) remove(id string) {
	t.Helper()
	if err := t.store.Delete(t.Context(), id); err != nil {
		t.Fatalf("Delete(%q): %v: it removes a record if it is there, and is no error if not", id, err)
	}
}

func (t *tester) mustBeAbsent(id, rule string) {
	t.Helper()
	if s := t.read(id); !s.absent || s != (state{absent: true}) {
		t.Errorf("Read(%q) = %+v, want nil and zeros: %s", id, s, rule)
	}
}

func (t *tester) mustHold(id, doc string, version int64, rule string) {
	t.Helper()
	if s := t.read(id); s.absent || s.doc != doc || s.version != version {
		t.Errorf("Read(%q) = %+v, want document %q of version %d: %s", id, s, doc, version, rule)
	}
}

func (t *tester) mustCount(id string, views, lastSeen int64, rule string) {
	t.Helper()
	if s := t.read(id); s.views != views || s.lastSeen != lastSeen {
		t.Errorf("Read(%q) = %d views, last seen %d, want %d and %d: %s", id, s.views, s.lastSeen, views, lastSeen, rule)
	}
}
