package store

import (
	"context"
	"testing"
	"time"
)

type server struct{ HotStore }

func (server) Connects() uint64 { return 7 }

type traced struct{ HotStore }

func (t traced) Unwrap() HotStore { return t.HotStore }

type replica struct{ Archive }

func (replica) Now(context.Context) (time.Time, error) { return time.Unix(5, 0), nil }

type tracedArchive struct{ Archive }

func (t tracedArchive) Unwrap() Archive { return t.Archive }

func TestHotAs_FindsWhatAWrappedStoreCanDo(t *testing.T) {
	for name, s := range map[string]HotStore{"bare": server{}, "wrapped": traced{server{}}, "wrapped twice": traced{traced{server{}}}} {
		c, ok := HotAs[Connector](s)
		if !ok || c.Connects() != 7 {
			t.Errorf("%s: the store's connections are not found: revocations would not be read after a failover", name)
		}
		if _, ok := HotAs[MetricsShower](s); ok {
			t.Errorf("%s: it shows no metrics", name)
		}
	}
	if _, ok := HotAs[Connector](nil); ok {
		t.Error("no store has connections")
	}
}

func TestArchiveAs_FindsWhatAWrappedArchiveCanDo(t *testing.T) {
	for name, a := range map[string]Archive{"bare": replica{}, "wrapped": tracedArchive{replica{}}} {
		if _, ok := ArchiveAs[Clock](a); !ok {
			t.Errorf("%s: the archive's clock is not found", name)
		}
	}
	if _, ok := ArchiveAs[Clock](tracedArchive{nil}); ok {
		t.Error("no archive has a clock")
	}
}
