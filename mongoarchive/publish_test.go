package mongoarchive_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/store"
)

// Each step of the feed has the next number, so that of many who add one at the same
// moment one succeeds and the others try again.
func TestAppend_ChangesAtOnceTakeNoMoreCommandsEach(t *testing.T) {
	t.Parallel()
	uri := database(t, testserver.MongoDB(t))
	a, counted := openCounted(t, uri)
	const many = 64
	sent := counted(func() {
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				if err := a.Append(ctx, []store.Fact{&store.CustomerRevoked{CustomerID: fmt.Sprint("c-", i/2), Before: began}}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
	if sent > 8*many {
		t.Errorf("%d revocations at once take %d commands, one alone takes 5: then a few hundred at once keep everybody from logging out", many, sent)
	}
	page, err := a.CredentialChanges(t.Context(), 0, 2*many)
	if err != nil || len(page.Changes) != many/2 || page.Next != many/2 {
		t.Errorf("the feed has %d steps up to number %d, %v: want each of %d revocations once, without a gap", len(page.Changes), page.Next, err, many/2)
	}
}

// Whoever publishes for others gives up when its own time is over, and not for them.
func TestAppend_OneWhoGivesUpTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	uri := database(t, testserver.MongoDB(t))
	a := open(t, uri)
	mustAppend(t, a, begun(1))
	const many = 60
	errs := make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			wait := 30 * time.Second
			if i%2 == 0 {
				wait = time.Duration(i) * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			errs[i] = a.Append(ctx, []store.Fact{&store.CustomerRevoked{CustomerID: fmt.Sprint("c-", i), Before: began}})
		})
	}
	all.Wait()
	for i, err := range errs {
		if i%2 == 1 && err != nil {
			t.Errorf("a revocation with all the time that it needs: %v", err)
		}
		n, countErr := raw(t, uri, "credential_changes").CountDocuments(t.Context(), bson.M{"customerId": fmt.Sprint("c-", i)})
		if countErr != nil || n > 1 || err == nil && n != 1 {
			t.Errorf("a revocation that was answered with %v is in the feed %d times (%v)", err, n, countErr)
		}
	}
}

// hurried is a context that has not ended when its time is over, as one is for a moment
// when the driver has given up because of it.
type hurried struct {
	context.Context
	until time.Time
}

func (h hurried) Deadline() (time.Time, bool) { return h.until, true }

func TestAppend_ADriverThatGivesUpFirstTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	a := open(t, database(t, testserver.MongoDB(t)))
	mustAppend(t, a, begun(1))
	const many = 200
	errs := make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			if i%2 == 0 {
				ctx = hurried{ctx, time.Now().Add(time.Duration(20+3*i) * time.Millisecond)}
			}
			errs[i] = a.Append(ctx, []store.Fact{&store.CustomerRevoked{CustomerID: fmt.Sprint("c-", i), Before: began}})
		})
	}
	all.Wait()
	for i, err := range errs {
		if i%2 == 1 && err != nil {
			t.Errorf("a revocation with all the time that it needs: %v", err)
		}
	}
}
