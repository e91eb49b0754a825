package sessions

import (
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/footfall-go/footfall/internal/clock"
	"github.com/footfall-go/footfall/internal/live"
	"github.com/footfall-go/footfall/store"
)

var noSiblings live.SiblingKey

func TestReplace_NoChangeIsLostToAnother(t *testing.T) {
	w := open(t)
	token := newToken()
	e := w.Begin(token.ID, record(token), noSiblings)
	w.Announce(t.Context(), e)
	var all sync.WaitGroup
	const requests = 4 // so that each loses at most three times of its five
	for range requests {
		all.Go(func() {
			_, _, err := w.Replace(t.Context(), e, func(rec *store.Record) error {
				n, _ := strconv.Atoi(string(rec.Values["n"].JSON))
				rec.Values = map[string]store.Value{"n": {JSON: json.RawMessage(strconv.Itoa(n + 1))}}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	left, _, _ := w.find(token, ToKnow)
	if n := string(left.Snapshot().Values["n"].JSON); n != strconv.Itoa(requests) {
		t.Errorf("%d requests counted to %s in one session's value: each change has to build on the version before", requests, n)
	}
}

func TestRotate_OnlyFromTheSecretThatIsCurrent(t *testing.T) {
	w := open(t)
	token := newToken()
	e := w.Begin(token.ID, record(token), noSiblings)
	w.Announce(t.Context(), e)
	before, at := e.Version(), clock.Now()
	login := &Rotation{From: token.Secret.Hash(), To: store.SecretHash{7}, CustomerID: "c", AuthenticatedAt: at}
	_, rec, err := w.Rotate(t.Context(), e, login)
	if err != nil || rec.Version <= before || rec.SecretHash != login.To || rec.Superseded != login.From || rec.CustomerID != "c" {
		t.Fatalf("a login (%v) made version %d of %d: %+v", err, rec.Version, before, rec)
	}
	second := &Rotation{From: token.Secret.Hash(), To: store.SecretHash{8}, CustomerID: "other", AuthenticatedAt: at}
	if _, _, err := w.Rotate(t.Context(), e, second); !errors.Is(err, ErrEnded) {
		t.Errorf("a login with a secret that was replaced says %v: whoever holds an old cookie could take the session over", err)
	}
	if err := w.EndCustomer(t.Context(), "c", w.RevocationTime()); err != nil {
		t.Fatal(err)
	}
	third := &Rotation{From: login.To, To: store.SecretHash{9}, CustomerID: "c", AuthenticatedAt: at}
	if _, _, err := w.Rotate(t.Context(), e, third); !errors.Is(err, ErrRevoked) {
		t.Errorf("a login by a password check from before the customer was logged out everywhere says %v", err)
	}
}

func TestReplaceCredentials_ALoginWhileTheHotStoreFailsOutlivesItsOldCopy(t *testing.T) {
	w := open(t)
	token := newToken()
	e := w.Begin(token.ID, record(token), noSiblings)
	w.Announce(t.Context(), e)
	w.hot.err = errDown
	login := &Rotation{From: token.Secret.Hash(), To: store.SecretHash{7}, CustomerID: "c", AuthenticatedAt: clock.Now()}
	if _, _, err := w.Rotate(t.Context(), e, login); err != nil {
		t.Fatalf("a login while the hot store fails: %v. The journal has to take it", err)
	}
	if lowest := w.revoked.Lowest(e.SessionID()); lowest != e.Version() {
		t.Errorf("the lowest version that counts is %d, and the login made %d", lowest, e.Version())
	}
	w.hot.err = nil
	if _, standing, err := w.find(token, ToKnow); standing != Superseded || err != nil {
		t.Errorf("after a login that the hot store has missed, the old secret is %s (%v), want Superseded: the old copy in the hot store must not count any more", standings[standing], err)
	}
}
