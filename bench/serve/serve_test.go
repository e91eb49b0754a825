package serve

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/footfall-go/footfall/bench/load"
)

// Every kind that needs no other server answers the same page, and counts each
// request of a session.
func TestKinds(t *testing.T) {
	for _, kind := range Kinds {
		if kind.Redis || kind.MongoDB {
			continue
		}
		t.Run(kind.Name, func(t *testing.T) {
			s, err := kind.make(t.Context(), &Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if s.footfall != nil {
				defer s.footfall.stop(t.Context())
			}
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.serve(listener) }()
			defer s.close()
			visitors, err := load.Connect(t.Context(), listener.Addr().String(), 4, load.Browser, PagePath)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := load.Closed(t.Context(), visitors, 200, false); err != nil {
				t.Fatal(err)
			}
			if body, err := visitors[0].Get(PagePath); err != nil || string(body) != Page {
				t.Errorf("the page is %d bytes, %v", len(body), err)
			}
			if kind.Name == Bare {
				return
			}
			if kind.Footfall {
				if err := s.footfall.settle(t.Context()); err != nil {
					t.Fatal(err)
				}
				stored, err := s.footfall.stored(t.Context())
				if want := (Stored{Views: 201, Sessions: 4}); err != nil || stored != want {
					t.Errorf("stored %+v, %v; want %+v", stored, err, want)
				}
				return
			}
			counted := 0
			for _, v := range visitors {
				body, err := v.Get(CountPath)
				if err != nil {
					t.Fatal(err)
				}
				n, err := strconv.Atoi(string(body))
				if err != nil {
					t.Fatal(err)
				}
				counted += n - 1
			}
			if counted != 201 {
				t.Errorf("the sessions have counted %d of 201", counted)
			}
		})
	}
}

func TestOutage_LosesNothing(t *testing.T) {
	kind, _ := KindOf(MemorySQLite)
	s, err := kind.make(t.Context(), &Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.footfall.stop(t.Context())
	s.footfall.outage.refuses.Store(true)
	if err := s.footfall.fill(t.Context(), 6000); err != nil {
		t.Fatal(err)
	}
	if state := s.state(t.Context()); state.JournalPending < 6000 {
		t.Errorf("the journal holds %d facts of more than 6000", state.JournalPending)
	}
	s.footfall.outage.refuses.Store(false)
	if err := s.footfall.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stored, err := s.footfall.stored(t.Context()); err != nil || stored.Views != 6000 || stored.Sessions != 5000 {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

// A profile is of what happens between its two questions, and complete after them.
func TestProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profile")
	t.Setenv("BENCH_CPUPROFILE", path)
	kind, _ := KindOf(MemorySQLite)
	s, err := kind.make(t.Context(), &Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.footfall.stop(t.Context())
	for _, ask := range []string{AskSettled, AskBegin, AskFill + " 6000", AskEnd} {
		if _, err := os.Stat(path); (err == nil) != (ask == AskFill+" 6000" || ask == AskEnd) {
			t.Errorf("before %q: %v", ask, err)
		}
		if _, err := s.answer(t.Context(), ask); err != nil {
			t.Fatalf("%q: %v", ask, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("the profile: %v, %v", info, err)
	}
}
