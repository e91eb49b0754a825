package sessions

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/store"
)

// A customer's session that the hot store has, of which something was revoked, or
// might have been, that then fell out of memory.
func fallen(t *testing.T, position uint64) (*world, *cookie.Token, store.Record) {
	t.Helper()
	w := openWith(t, 4000)
	token := newToken()
	rec := record(token)
	rec.CustomerID, rec.AuthenticatedAt = "c", rec.StartedAt
	if !w.Announce(t.Context(), w.Begin(token.ID, rec, noSiblings)) {
		t.Fatal("the hot store did not take a session")
	}
	rec = w.table.Get(token.ID).Snapshot()
	w.table.Remove(token.ID)
	w.archived(t, rec)
	w.revoked.Session(rec.SessionID, rec.Version+1, position)
	w.revoked.Customer("c", rec.AuthenticatedAt.Add(time.Millisecond), position)
	for n := range 200 {
		w.revoked.Session(fmt.Sprint("z-", n), 1, 0)
	}
	if w.revoked.Covers(&rec) {
		t.Fatal("the revocations did not fall out of memory")
	}
	w.archive.calls = 0
	return w, token, rec
}

func TestFind_WhatFellOutOfMemoryIsAskedOfTheArchive(t *testing.T) {
	for what, fact := range map[string]func(rec store.Record) store.Fact{
		"has the session's end": func(rec store.Record) store.Fact {
			rec.Version, rec.EndedAt, rec.EndReason = rec.Version+1, clock.Now(), store.EndLogout
			return &store.CredentialsChanged{SessionID: rec.SessionID, Cred: rec.Credentials()}
		},
		"has a newer secret of the session": func(rec store.Record) store.Fact {
			rec.Version, rec.SecretHash = rec.Version+1, store.SecretHash{7}
			return &store.CredentialsChanged{SessionID: rec.SessionID, Cred: rec.Credentials()}
		},
		"has the customer's revocation": func(rec store.Record) store.Fact {
			return &store.CustomerRevoked{CustomerID: "c", Before: rec.AuthenticatedAt.Add(time.Millisecond)}
		},
	} {
		for purpose := range purposes {
			w, token, rec := fallen(t, 0)
			if err := w.archive.Append(t.Context(), []store.Fact{fact(rec)}); err != nil {
				t.Fatal(err)
			}
			w.archive.err = errDown
			if _, standing, err := w.find(token, purpose); err == nil || standing != Worthless {
				t.Errorf("%s, the archive %s and fails: the session is %s (%v). What fell out of memory cannot be known without it", purposes[purpose], what, standings[standing], err)
			}
			w.archive.err = nil
			if _, standing, err := w.find(token, purpose); err != nil || standing != Worthless {
				t.Errorf("%s, the archive %s: the session is %s (%v), want Worthless: what fell out of memory must let nobody in", purposes[purpose], what, standings[standing], err)
			}
		}
	}
}

func TestFind_TheArchiveIsAskedOnceForWhatFellOut(t *testing.T) {
	w, token, _ := fallen(t, 0)
	for range 3 {
		if e, standing, err := w.find(token, ToKnow); err != nil || standing != Current || !e.HasCustomer() {
			t.Fatalf("a customer of whom the archive says nothing bad is %s (%v), want Current", standings[standing], err)
		}
	}
	if w.archive.calls != 1 {
		t.Errorf("the archive was asked %d times for one session, want once as long as nothing more falls out", w.archive.calls)
	}
}

func TestFind_AnArchiveThatDoesNotHoldTheRevocationYetCannotBeAsked(t *testing.T) {
	w, token, _ := fallen(t, 1_000_000) // far ahead of what the projector has carried
	if _, standing, err := w.find(token, ToKnow); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("what was revoked is in the journal alone, and the session is %s (%v): the archive does not know yet, so it must not be believed", standings[standing], err)
	}
}

func TestFind_WhatFellOutIsNoMatterToVisitors(t *testing.T) {
	w, _, _ := fallen(t, 0)
	w.archive.err = errDown
	token := newToken()
	w.Announce(t.Context(), w.Begin(token.ID, record(token), noSiblings))
	w.table.Remove(token.ID)
	check(t, w, token, ToKnow, "a visitor's session while the archive fails and revocations fell out", answer{Current, true})
}
