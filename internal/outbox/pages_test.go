package outbox

import (
	"strconv"
	"testing"
	"time"
)

func TestLongPages_OneNetworkLeavesRoomToOthers(t *testing.T) {
	var l longPageBudget
	at := time.Unix(60, 0)
	kept := func(network string, at time.Time) (bytes int) {
		for l.take(2000, network, at) {
			bytes += 2000
		}
		return bytes
	}
	if got := kept("1.1.1.0/24", at); got > longPagesOfNetwork || got < longPagesOfNetwork-2000 {
		t.Errorf("one network keeps %d bytes, want %d", got, longPagesOfNetwork)
	}
	if l.take(300, "1.1.1.0/24", at.Add(59*time.Second)) && l.take(2000, "1.1.1.0/24", at) {
		t.Error("its budget is there again within the minute")
	}
	if !l.take(2000, "2.2.2.0/24", at) {
		t.Error("another network has no room")
	}
	all := 0
	for i := range 100 {
		all += kept(strconv.Itoa(i), at)
	}
	if all += longPagesOfNetwork; all > longPages+4000 || all < longPages-10_000 {
		t.Errorf("all networks keep %d bytes, want %d", all, longPages)
	}
	if got := kept("1.1.1.0/24", at.Add(time.Minute)); got < longPagesOfNetwork-2000 {
		t.Errorf("in the next minute it keeps %d bytes, want %d", got, longPagesOfNetwork)
	}
}
