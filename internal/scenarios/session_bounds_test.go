package scenarios_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/footfall-go/footfall/internal/stage"
)

// spans are the ways in which a session's counts could be begun anew: it leaves the memory
// of its process, or goes on in another.
var spans = map[string]func(f *stage.Fleet) (second int){
	"a session that was idle for five minutes": func(*stage.Fleet) int { time.Sleep(5 * time.Minute); return 0 },
	"a session on two instances":               func(*stage.Fleet) int { time.Sleep(time.Second); return 1 },
}

func TestEvents_TheLimitBelongsToTheSession(t *testing.T) {
	for where, span := range spans {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const most, half = 10_000, 6_000
				f := stage.NewFleet(t, 2)
				b := stage.NewBrowser(t, nil)
				f.On(0, b, "GET", "/")
				for range half {
					f.On(0, b, "POST", "/event/add_to_cart")
				}
				f.Settle()
				second := span(f)
				for range half {
					f.On(second, b, "POST", "/event/add_to_cart")
				}
				f.Settle()
				events, err := f.SQLite.Events(context.Background(), stage.SessionOf(t, b), 20_000)
				if err != nil {
					t.Fatal(err)
				}
				if stored := len(events) - 1; stored != most { // and a page view
					t.Errorf("%s stored %d events of %d: %d are a session's, whatever this process remembers of it", where, stored, 2*half, most)
				}
				if capped := f.Instances[0].Count("events_capped") + f.Instances[1].Count("events_capped"); capped != 2*half-most {
					t.Errorf("%s counts %d events past the limit, of %d", where, capped, 2*half-most)
				}
			})
		})
	}
}

// A shop that sets a value with each event, such as the cart, writes the session's record
// again and again, and each write confirms it. That says nothing of what others counted.
func TestEvents_TheLimitBelongsToASessionThatSetsValuesOnTwoInstances(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most, each = 10_000, 9_000
		f := stage.NewFleet(t, 2)
		b := stage.NewBrowser(t, nil)
		f.On(0, b, "GET", "/")
		for n := range each {
			f.On(0, b, "POST", "/event/add_to_cart")
			f.On(0, b, "POST", fmt.Sprintf("/value/cart/%d", n))
			f.On(1, b, "POST", "/event/add_to_cart")
			time.Sleep(5 * time.Millisecond)
		}
		f.Settle()
		events, err := f.SQLite.Events(context.Background(), stage.SessionOf(t, b), 30_000)
		if err != nil {
			t.Fatal(err)
		}
		const second = 2 * 200 * 2 // what two instances may count until they know of each other
		if stored := len(events) - 1; stored < most || stored > most+second {
			t.Errorf("%d events of %d are stored: %d are a session's, whatever instances serve it", stored, 2*each, most)
		}
	})
}

func TestOrders_TheLimitBelongsToTheSession(t *testing.T) {
	for where, span := range spans {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const most, half = 100, 60
				f := stage.NewFleet(t, 2)
				b := stage.NewBrowser(t, nil)
				f.On(0, b, "GET", "/")
				place := func(i, from, to int) {
					for n := from; n < to; n++ {
						if got := stage.Text(t, f.On(i, b, "POST", fmt.Sprintf("/order/o-%03d", n))); got != "ok" {
							t.Fatalf("order %d is answered with %q: a sale is never refused", n, got)
						}
					}
				}
				place(0, 0, half)
				place(0, 0, half) // again: the same orders
				f.Settle()
				second := span(f)
				place(second, half, 2*half)
				place(second, 2*half-1, 2*half) // again, past the limit: it must not get the session now
				f.Settle()
				id, with, without := stage.SessionOf(t, b), 0, 0
				for n := range 2 * half {
					o, ok, err := f.SQLite.Order(context.Background(), fmt.Sprintf("o-%03d", n))
					switch {
					case err != nil || !ok:
						t.Errorf("order %d is not stored (%v): past the limit orders are stored without their session", n, err)
					case o.SessionID == id:
						with++
					case o.SessionID == "" && o.VisitorID != "":
						without++
					}
				}
				if with != most || without != 2*half-most {
					t.Errorf("%s has %d orders, and %d were stored without it: a session has at most %d, whatever this process remembers of it", where, with, without, most)
				}
				if past := f.Instances[0].Count("orders_past_cap") + f.Instances[1].Count("orders_past_cap"); past < 2*half-most {
					t.Errorf("%d orders past the limit are counted, of %d", past, 2*half-most)
				}
			})
		})
	}
}

// A session that leaves memory again and again is another writer each time: its record
// must not grow, and nothing that it counted may be lost.
func TestWriters_ASessionThatComesBackForDaysHasASmallRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const visits = 150
		f := stage.NewFleet(t, 1)
		b := stage.NewBrowser(t, nil)
		f.On(0, b, "GET", "/")
		id := stage.SessionOf(t, b)
		time.Sleep(time.Second)
		before := f.Store.Bytes()
		for range visits {
			time.Sleep(3 * time.Minute)
			f.On(0, b, "GET", "/")
		}
		f.Settle()
		time.Sleep(time.Second)
		if got := f.HotViews(id); got != visits+1 {
			t.Errorf("the hot store shows %d page views of %d", got, visits+1)
		}
		if grown := f.Store.Bytes() - before; grown > 8<<10 {
			t.Errorf("the record of a session that came back %d times has grown by %d bytes: it holds a bounded number of writers", visits, grown)
		}
		if rec := f.Instances[0].Stored(id); rec.PageViews != visits+1 {
			t.Errorf("the archive has %d page views of %d", rec.PageViews, visits+1)
		}
	})
}

// A program that asks for the longest URLs in one session fills the archive with no more
// than people's pages would.
func TestEvents_ThePagesOfOneSessionAreShortAfterAThousand(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	b := stage.NewBrowser(s.T, s.Site())
	b.Do("GET", "/")
	id := stage.SessionOf(t, b)
	long := "/?q=" + strings.Repeat("x", 1900)
	for range 1200 {
		b.Do("GET", long)
	}
	s.Settle()
	events, err := s.SQLite.Events(t.Context(), id, 5000)
	if err != nil || len(events) != 1201 {
		t.Fatalf("%d events are stored of 1201 (%v)", len(events), err)
	}
	whole, short := 0, 0
	for _, e := range events[1:] {
		switch {
		case e.Page == long:
			whole++
		case len(e.Page) <= 256 && strings.HasPrefix(long, e.Page) && e.Page != "":
			short++
		}
	}
	if whole < 990 || whole > 1010 || short != 1200-whole || s.Count("pages_shortened") != uint64(short) {
		t.Errorf("of 1200 pages %d are whole and %d cut, %d are counted as cut: want 1000 whole", whole, short, s.Count("pages_shortened"))
	}
}

// Nor do many sessions: the limit of one is no limit for who begins others.
func TestEvents_TheLongPagesOfAllSessionsAreBounded(t *testing.T) {
	t.Parallel()
	s := stage.New(t, nil)
	long, bytes, asked := "/?q="+strings.Repeat("x", 1900), 0, 0
	for range 6 {
		b := stage.NewBrowser(s.T, s.Site())
		for range 900 {
			b.Do("GET", long)
			asked += len(long)
		}
		id := stage.SessionOf(t, b)
		s.Settle()
		events, err := s.SQLite.Events(t.Context(), id, 5000)
		if err != nil || len(events) != 900 {
			t.Fatalf("%d events are stored of 900 (%v)", len(events), err)
		}
		for _, e := range events {
			bytes += len(e.Page)
		}
	}
	if most := 2*(4<<20) + 6*900*256; bytes > most || s.Count("pages_shortened") == 0 { // a minute may begin meanwhile
		t.Errorf("of %d bytes of pages that one network asked for in six sessions %d are stored, want %d at most; %d were cut", asked, bytes, most, s.Count("pages_shortened"))
	}
}
