package sessions

import (
	"testing"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

// visit begins a session, and records its first page view as the last thing that its
// request does.
func (w *world) visit(t *testing.T, token *cookie.Token, key live.SiblingKey) *live.Entry {
	e := w.Begin(token.ID, record(token), key)
	w.RecordLast(t.Context(), e, view(e))
	return e
}

func view(e *live.Entry) *store.EventRecorded {
	return &store.EventRecorded{Event: store.Event{EventID: clock.NewID().String(), SessionID: e.SessionID(), VisitorID: e.VisitorID(), EventType: store.EventPageView, Page: "/", CreatedAt: clock.Now()}}
}

func TestRecordLast_ASessionWhoseVisitorNeverComesBackStandsInTheHotStoreAlone(t *testing.T) {
	w, token := open(t), newToken()
	w.visit(t, token, live.SiblingKey{})
	if n := w.Live(); n != 0 {
		t.Errorf("%d sessions are in the table of live sessions: the hot store is in this process, so the session would be in memory twice", n)
	}
	e, standing, err := w.find(token, ToCount)
	if err != nil || standing != Current {
		t.Fatalf("the session is worth %v, %v when its visitor comes back, want %v", standing, err, Current)
	}
	w.Record(t.Context(), e, view(e))
	if rec := e.Snapshot(); rec.PageViews != 2 {
		t.Errorf("the session has %d page views after two", rec.PageViews)
	}
	if n := w.Live(); n != 1 {
		t.Errorf("%d sessions are in the table of live sessions after its visitor came back, want 1: each request would read it from the hot store", n)
	}
	if e.First() != nil {
		t.Error("each fact of the session carries its beginning again, though this process's journal holds that")
	}
	if e.Projected(0) {
		t.Error("the session may leave this process before the archive has its page views")
	}
}

// A handler may go on behind the first byte of its answer, and the visitor's next
// request may be there before it ends.
func TestRecordLast_ARequestThatGoesOnAfterAllHasTheEntryOfTheNextOne(t *testing.T) {
	for name, next := range map[string]bool{"alone": false, "beside the visitor's next request": true} {
		w, token := open(t), newToken()
		e := w.visit(t, token, live.SiblingKey{})
		var other *live.Entry
		if next {
			other, _, _ = w.find(token, ToCount)
		}
		held := w.Held(e)
		if next && held != other {
			t.Errorf("%s: two entries stand for the session in one process", name)
		}
		w.Record(t.Context(), held, view(held))
		found, _, err := w.find(token, ToCount)
		if err != nil || found.Snapshot().PageViews != 2 {
			t.Errorf("%s: the session has %d page views after two (%v)", name, found.Snapshot().PageViews, err)
		}
	}
}

func TestRecordLast_WhatOnlyThisProcessKnowsStaysInTheTable(t *testing.T) {
	t.Run("the hot store fails", func(t *testing.T) {
		w, token := open(t), newToken()
		w.hot.err = errDown
		w.visit(t, token, live.SiblingKey{})
		if e, standing, _ := w.find(token, ToCount); e == nil || standing != Current {
			t.Errorf("the session is worth %v: nobody has it any more", standing)
		}
	})
	t.Run("it may be one of a browser's parallel first requests", func(t *testing.T) {
		w, token := open(t), newToken()
		w.visit(t, token, live.SiblingKey{Visitor: "v"})
		if n := w.Live(); n != 1 {
			t.Errorf("%d sessions are in the table of live sessions: it would be compared with its siblings by an entry that nobody uses", n)
		}
	})
	t.Run("something was recorded before", func(t *testing.T) {
		w, token := open(t), newToken()
		e := w.Begin(token.ID, record(token), live.SiblingKey{})
		w.Record(t.Context(), e, view(e))
		w.RecordLast(t.Context(), e, view(e))
		if n := w.Live(); n != 1 {
			t.Errorf("%d sessions are in the table of live sessions, want 1: what was recorded is not in the hot store yet", n)
		}
	})
}

func TestRecordLast_TheArchiveHasItWhenTheHotStoreHasLostIt(t *testing.T) {
	w, token := open(t), newToken()
	e := w.visit(t, token, live.SiblingKey{})
	rec := e.Snapshot()
	if err := w.archive.Append(t.Context(), []store.Fact{&store.SessionBegun{Record: live.Beginning(rec)}}); err != nil {
		t.Fatal(err)
	}
	if err := w.hot.Delete(t.Context(), rec.SessionID); err != nil {
		t.Fatal(err)
	}
	if _, standing, err := w.find(token, ToCount); err != nil || standing != Current {
		t.Errorf("the session is worth %v, %v after the hot store dropped it, want %v from the archive", standing, err, Current)
	}
}
