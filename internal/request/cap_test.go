package request

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/count"
	"github.com/footfall-go/footfall/store"
)

var minute = time.Unix(1_790_000_040, 0).UTC() // the start of one

func addr(network, host int) netip.Addr {
	return netip.AddrFrom4([4]byte{203, byte(network >> 8), byte(network), byte(host)})
}

// allows reports whether a session may begin, and counts it.
func allows(c *beginCap, addr netip.Addr, whom enrich.Identity, at time.Time) bool {
	return c.refuse(addr, whom, at) == ""
}

func TestCap_OfOneNetworkInAMinute(t *testing.T) {
	c := newBeginCap(3, new(count.Set))
	for i := range 3 {
		if !allows(c, addr(1, i), enrich.OneVisitor, minute) {
			t.Fatalf("session %d of a network is refused: three may begin in a minute", i+1)
		}
	}
	if allows(c, addr(1, 99), enrich.OneVisitor, minute.Add(59*time.Second)) {
		t.Error("a fourth session begins in a network within a minute: another host of the same network has the same cap")
	}
	if !allows(c, addr(2, 0), enrich.OneVisitor, minute) {
		t.Error("a network is refused because another has used up its own cap")
	}
	if !allows(c, addr(1, 0), enrich.OneVisitor, minute.Add(time.Minute)) {
		t.Error("a network is still refused in the next minute")
	}
}

func TestCap_OfAllNetworksTogether(t *testing.T) {
	c := newBeginCap(1, new(count.Set))
	for i := range allNetworks {
		if !allows(c, addr(i, 0), enrich.OneVisitor, minute) {
			t.Fatalf("session %d of all is refused: %d may begin in a minute", i+1, allNetworks)
		}
	}
	for _, whom := range []enrich.Identity{enrich.OneVisitor, enrich.ForgottenProxy, enrich.Nobody} {
		if allows(c, addr(allNetworks+1, 0), whom, minute) {
			t.Errorf("more than %d sessions begin in a minute (for an address that stands for %v)", allNetworks, whom)
		}
	}
	if !allows(c, addr(0, 0), enrich.OneVisitor, minute.Add(time.Minute)) {
		t.Error("the cap of all networks does not end with its minute")
	}
}

func TestCap_AnUnknownAddressIsNobodys(t *testing.T) {
	c := newBeginCap(2, new(count.Set))
	for i := range 10 {
		if !allows(c, netip.Addr{}, enrich.Nobody, minute) {
			t.Fatalf("session %d behind a Unix socket that nobody trusts is refused: all visitors come from there, so only the cap of all counts", i+1)
		}
	}
}

func TestCap_TheGreatestNumberIsNoSmallCap(t *testing.T) {
	c := newBeginCap(math.MaxInt, new(count.Set))
	if !allows(c, addr(1, 0), enrich.OneVisitor, minute) {
		t.Error("with the greatest cap no session begins: a hundred times as many do not fit into an int")
	}
}

func TestCap_AForgottenProxyStandsForEverybody(t *testing.T) {
	c := newBeginCap(2, new(count.Set))
	for i := range 10 {
		if !allows(c, addr(1, 0), enrich.ForgottenProxy, minute) {
			t.Fatalf("session %d behind a proxy that nobody trusts is refused: its address is not its visitor's, so only the cap of all counts", i+1)
		}
	}
	first := allows(c, addr(1, 0), enrich.OneVisitor, minute)
	if second := allows(c, addr(1, 0), enrich.OneVisitor, minute); !first || !second {
		t.Error("what came through a forgotten proxy was counted for the proxy's network")
	}
	if c.total != 12 {
		t.Errorf("%d sessions count for all networks, want 12: those behind a forgotten proxy do too", c.total)
	}
}

func TestCap_NoneIfNegative(t *testing.T) {
	c := newBeginCap(-1, new(count.Set))
	for range 1000 {
		if !allows(c, addr(1, 0), enrich.OneVisitor, minute) {
			t.Fatal("without a cap a session is refused")
		}
	}
}

func TestCap_RemembersABoundedNumberOfNetworks(t *testing.T) {
	c := newBeginCap(2, new(count.Set))
	c.turn(minute)
	for i := range maxNetworks {
		c.networks[netip.PrefixFrom(netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::", i>>16, i&0xffff)), 64)] = 1
	}
	if !allows(c, addr(1, 0), enrich.OneVisitor, minute) || len(c.networks) != maxNetworks || c.total != 1 {
		t.Errorf("%d networks are remembered, and %d sessions count: past %d networks only the cap of all counts", len(c.networks), c.total, maxNetworks)
	}
}

func TestCap_OfBytesHoldsWhereTheAddressTellsNobodyApart(t *testing.T) {
	c := newBeginCap(6000, new(count.Set))
	fat := store.Session{LandingPage: strings.Repeat("x", 2048), Referrer: strings.Repeat("y", 2048)}
	begin := func(whom enrich.Identity) (bytes int) {
		for i := 0; c.refuse(addr(i, 0), whom, minute) == ""; i++ {
			c.began(&fat, whom, minute)
			if bytes += 4096; bytes > 1<<30 {
				t.Fatalf("sessions of more than 1 GiB begin in a minute for addresses that stand for %v", whom)
			}
		}
		return bytes
	}
	if n := begin(enrich.ForgottenProxy); n > bytesOfNobodys {
		t.Errorf("behind a forgotten proxy sessions of %d bytes begin in a minute, want at most %d", n, bytesOfNobodys)
	}
	if why := c.refuse(addr(1, 0), enrich.Nobody, minute); why != tooManyBytes {
		t.Errorf("past the bound in bytes the reason is %q", why)
	}
	if n := begin(enrich.OneVisitor); n == 0 || n > bytesInAll {
		t.Errorf("of known networks sessions of %d bytes begin beside those, want some and at most %d in all", n, bytesInAll)
	}
	if !allows(c, addr(1, 0), enrich.ForgottenProxy, minute.Add(time.Minute)) {
		t.Error("the bound in bytes does not end with its minute")
	}
}

func TestCap_AWithdrawnSessionGivesBackWhatItTook(t *testing.T) {
	c := newBeginCap(1, new(count.Set))
	session := store.Session{StartedAt: minute, UserAgent: strings.Repeat("x", 100)}
	begin := func(whom enrich.Identity) bool {
		if !allows(c, addr(1, 0), whom, minute) {
			return false
		}
		c.began(&session, whom, minute)
		return true
	}
	for range 10 {
		if !begin(enrich.OneVisitor) {
			t.Fatal("a session is refused though all before it were withdrawn")
		}
		c.withdrawn(&session, addr(1, 0), enrich.OneVisitor, true)
	}
	begin(enrich.ForgottenProxy)
	c.withdrawn(&session, addr(1, 0), enrich.ForgottenProxy, true)
	if c.total != 0 || c.bytes != 0 || c.nobodys != 0 {
		t.Errorf("all were withdrawn, and %d sessions, %d bytes and %d bytes of nobody's are left", c.total, c.bytes, c.nobodys)
	}
	begin(enrich.OneVisitor)
	c.withdrawn(&session, addr(1, 0), enrich.OneVisitor, false)
	if c.total != 1 || begin(enrich.OneVisitor) {
		t.Error("a session that the cap had not counted gives back the place of another")
	}
	if !allows(c, addr(1, 0), enrich.OneVisitor, minute.Add(time.Minute)) {
		t.Error("a network is refused in the next minute")
	}
	c.withdrawn(&session, addr(1, 0), enrich.OneVisitor, true)
	if c.total != 1 {
		t.Error("a session of the last minute gives back a place of this one")
	}
}
