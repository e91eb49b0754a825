package request

import (
	"net/netip"
	"testing"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/store"
)

// keep has a budget take views of a network until it refuses, and returns how many bytes of
// strings it took.
func keep(t *testing.T, b *botBudget, addr netip.Addr, whom enrich.Identity, each int) (kept int) {
	t.Helper()
	for b.allow(addr, whom, each, minute) {
		if kept += each; kept > 2*botBytesInAll {
			t.Fatal("what bots did is kept in detail without a bound: it could fill the archive")
		}
	}
	return kept
}

func TestBots_DetailIsBoundedPerNetworkAndInAll(t *testing.T) {
	const each = 600
	var b botBudget
	if n := keep(t, &b, addr(1, 1), enrich.OneVisitor, each); n < botBytesPerNetwork/2 || n > botBytesPerNetwork {
		t.Errorf("of one network %d bytes are kept, want nearly %d and no more", n, botBytesPerNetwork)
	}
	if b.allow(addr(1, 2), enrich.OneVisitor, each, minute) {
		t.Error("another host of the same network has a budget of its own")
	}
	if !b.allow(addr(2, 1), enrich.OneVisitor, each, minute) {
		t.Error("a network has used up what another may write")
	}
	all := 0
	for i := range 1000 {
		all += keep(t, &b, addr(2+i, 1), enrich.OneVisitor, each)
	}
	if all > botBytesInAll {
		t.Errorf("of all networks %d bytes are kept in an hour, want at most %d", all, botBytesInAll)
	}
	if len(b.networks) > botBytesInAll/botRowBytes {
		t.Errorf("%d networks are remembered: only those of views that were kept", len(b.networks))
	}
	if !b.allow(addr(1, 1), enrich.OneVisitor, each, minute.Add(time.Hour)) {
		t.Error("the budget does not begin anew with an hour")
	}
}

func TestBots_AnAddressOfEverybodyHasTheBudgetOfAll(t *testing.T) {
	var b botBudget
	if n := keep(t, &b, addr(1, 1), enrich.ForgottenProxy, 600); n <= botBytesPerNetwork {
		t.Errorf("behind a forgotten proxy %d bytes are kept: its address stands for many networks", n)
	}
}

// sums adds up numbers by whether they are of bots, and reason.
func sums(all []*store.VisitsUncounted) map[tallied]int64 {
	n := map[tallied]int64{}
	for _, f := range all {
		n[tallied{f.Bots, f.Reason}] += f.Count
	}
	return n
}

func TestTally_EachRequestIsInOneNumberOfItsMinute(t *testing.T) {
	var c tally
	for i := range 3 {
		c.add(false, "cap", 1, minute.Add(time.Duration(i)*time.Second))
	}
	c.add(true, "tool", 1, minute.Add(3*time.Second))
	if got := c.take(minute.Add(4*time.Second), false); len(got) != 0 {
		t.Errorf("%v is taken at once: a flood would be a fact each second", got)
	}
	got := c.take(minute.Add(tallyEvery), false)
	if n := sums(got); len(got) != 2 || n[tallied{false, "cap"}] != 3 || n[tallied{true, "tool"}] != 1 || !got[0].Minute.Equal(minute) || got[0].EventID == got[1].EventID {
		t.Errorf("taken are %v, want 3 visits and 1 view of a tool in %v, each number with an id of its own: a killed process loses no more than %v", n, minute, tallyEvery)
	}
	c.add(false, "cap", 1, minute.Add(59*time.Second))
	if got := c.take(minute.Add(time.Minute), false); len(got) != 1 || got[0].Count != 1 || !got[0].Minute.Equal(minute) {
		t.Errorf("taken are %v, want the one visit of the minute that is over", got)
	}
	c.add(false, "cap", 1, minute.Add(time.Minute))
	if got := c.take(minute.Add(time.Minute), true); len(got) != 1 {
		t.Errorf("at the end are taken %v: what came in the last second too", got)
	}
	if got := c.take(minute.Add(time.Hour), true); len(got) != 0 {
		t.Errorf("%v is taken twice: its requests would count twice", got)
	}
}

func TestTally_ReasonsAreBounded(t *testing.T) {
	var c tally
	for i := range 10_000 {
		c.add(true, string(rune('A'+i)), 1, minute)
	}
	if len(c.counts) > tallyReasons+1 {
		t.Errorf("%d reasons are remembered of a minute, want at most %d and %q", len(c.counts), tallyReasons, otherReasons)
	}
	total := int64(0)
	for _, n := range sums(c.take(minute, true)) {
		total += n
	}
	if total != 10_000 {
		t.Errorf("%d views are counted, want 10000: past the bound of reasons a view still counts", total)
	}
}
