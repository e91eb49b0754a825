package storetest

import (
	"testing"

	"github.com/footfall-go/footfall/store"
)

// wrapped is a store inside another one, like a store that traces its calls.
type wrapped struct{ store.HotStore }

func (w wrapped) Unwrap() store.HotStore { return w.HotStore }

// optionalInterfaces logs which optional interfaces a store has, and checks that
// a wrapper with an Unwrap method hides none of them.
func optionalInterfaces(t *testing.T, s store.HotStore) {
	check := func(name string, find func(store.HotStore) bool) {
		has := find(s)
		t.Logf("store.%s: %v", name, has)
		if found := find(wrapped{s}); found != has {
			t.Errorf("store.%s is found in the store: %v, and through a wrapper: %v", name, has, found)
		}
	}
	check("Connector", has[store.Connector])
	check("Checker", has[store.Checker])
	check("Evictor", has[store.Evictor])
	check("MetricsShower", has[store.MetricsShower])
}

func has[T any](s store.HotStore) bool {
	_, ok := store.HotAs[T](s)
	return ok
}
