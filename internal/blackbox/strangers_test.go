package blackbox

import (
	"strings"
	"testing"
)

// What a program asks for is kept in detail up to a bound in bytes, and as numbers beyond
// it: one address with long URLs fills no archive, and no view is left out of the sums,
// also if the process is killed.
func TestFlood_BotsAreKeptInDetailUpToABoundAndCountedBeyond(t *testing.T) {
	t.Parallel()
	const views, most = 1500, 256 << 10 // of one network in an hour; two hours if one turns
	s := openShop(t)
	bot := s.stranger("User-Agent: curl/8.5.0 " + strings.Repeat("x", 480))
	target := productsPath + "?q=" + strings.Repeat("y", 1900)
	for range views {
		bot.get(target).want(200)
	}
	s.drained()
	eventually(t, "the numbers of the last seconds are in the archive", func() (bool, string) {
		n := s.row(`SELECT (SELECT count(*) FROM bot_views) + (SELECT coalesce(sum(count), 0) FROM uncounted_visits WHERE bots)`)[0]
		return n == "1500", n
	})
	s.kill()
	s.start()
	for range 10 {
		bot.get(target).want(200)
	}
	s.stop(terminate)
	s.start()
	var stats statsJSON
	s.runJSON(&stats, "stats", "--json")
	if stats.BotViews != views+10 || stats.BotsByReason["tool"] != views+10 {
		t.Errorf("stats counts %d bot views (%v), want %d: what is kept as a number counts like what is kept in detail", stats.BotViews, stats.BotsByReason, views+10)
	}
	if stats.UncountedVisits != 0 {
		t.Errorf("%d views of software are taken for visits past a cap", stats.UncountedVisits)
	}
	bytes := s.count(`SELECT sum(length(reason) + length(user_agent) + length(ip_address) + length(page) + 200) FROM bot_views`)
	if bytes == 0 || bytes > 3*most { // the second process has a budget of its own
		t.Errorf("%d bytes are kept of one network's views, want at most %d", bytes, 3*most)
	}
	if longest := s.count(`SELECT max(length(user_agent) + length(page)) FROM bot_views`); longest > 256+512 {
		t.Errorf("a row of what a program did has %d bytes of agent and page, want at most %d", longest, 256+512)
	}
}
