package shop

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/footfall-go/footfall/footfalltest"
	"github.com/footfall-go/footfall/loginguard"
	"github.com/footfall-go/footfall/memstore"
)

// Two instances of the shop with one hot store give a guesser no more guesses than one.
func TestLogin_InstancesShareTheBudgetsOfFailedLogins(t *testing.T) {
	tracker := footfalltest.New(t)
	hot := memstore.New(0)
	var shops [2]*Shop
	for i := range shops {
		var err error
		if shops[i], err = New(Config{Tracker: tracker.Tracker, SharedHot: hot, Secret: []byte("of all instances")}); err != nil {
			t.Fatal(err)
		}
	}
	checked := [2]int{}
	for i := range 60 {
		login := loginguard.Login{Account: "customer@example.com", From: netip.AddrFrom4([4]byte{198, 51, byte(i), 7})}
		_, err := shops[i%2].guard.Check(t.Context(), login, func() (bool, error) { checked[i%2]++; return false, nil })
		var paused *loginguard.PausedError
		if err != nil && !errors.As(err, &paused) {
			t.Fatal(err)
		}
	}
	if checked[0]+checked[1] != 11 {
		t.Errorf("two instances checked %v guesses of one account, want 11 together", checked)
	}
}
