package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// fatInRedis begins sessions with the longest strings that a request can bring, of
// letters each of which HTML, and with it many an encoder, writes as six. The hot store holds
// each session for as long as it may live, so what it needs for one has to be bounded.
var fatInRedis = fault{name: "fat sessions in Redis", open: redisAloneWorld, more: 20 * time.Second, run: func(w *world, _ time.Duration) error {
	const (
		sessions = 6000
		each     = 8 << 10 // bytes of one session in Redis: 4 KiB of strings, everything else of it, and what Redis adds
	)
	keys, before, err := w.redisSize()
	if err != nil {
		return err
	}
	n := w.flood(4, sessions, func(n int, random *rand.Rand) {
		w.crowd.browseFat(newKeeper(fmt.Sprintf("198.51.%d.%d", n>>8&255, n&255)), random)
	})
	w.mustCatchUp()
	keysNow, after, err := w.redisSize()
	if err != nil {
		return err
	}
	begun := keysNow - keys
	if begun < int64(n)/2 {
		return fmt.Errorf("%d requests began %d sessions: the fault did not happen", n, begun)
	}
	w.t.Logf("%d sessions take %d bytes each in Redis, of at most %d", begun, (after-before)/begun, each)
	if after-before > begun*each {
		w.crowd.register.report(unwell, "fat sessions in Redis", fmt.Sprintf("a session takes %d bytes in Redis: no request may make one larger than %d", (after-before)/begun, each))
	}
	return w.mustBeSmall(w.processes[0])
}}

// browseFat requests a page with the worst strings.
func (c *crowd) browseFat(v *visitor, random *rand.Rand) {
	worst := func(n int) string { // without a pattern, so that it cannot be packed
		b := make([]byte, n)
		for i := range b {
			b[i] = "<>"[random.IntN(2)]
		}
		return string(b)
	}
	r := c.open(v, pageView)
	path := fmt.Sprintf("%s%d?mark=%s", productsAt, 1+random.IntN(200), r.mark)
	for _, name := range []string{"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "gclid"} {
		path += "&" + name + "=" + worst(256)
	}
	a := v.send(c.base, "GET", path+"&q="+worst(1000), nil, "Referer", "https://elsewhere.example/"+worst(2000), "User-Agent", firefox+worst(1000))
	c.close(r, a, a.outcome(http.StatusOK), "")
	c.meet(a)
}

// redisSize returns how many keys Redis has, and how many bytes it needs for them.
func (w *world) redisSize() (keys, bytes int64, err error) {
	text := strings.Join(w.redis.Do(w.t, "DBSIZE"), "")
	if keys, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("DBSIZE: %w", err)
	}
	_, text, _ = strings.Cut(strings.Join(w.redis.Do(w.t, "INFO", "memory"), "\n"), "used_memory:")
	text, _, _ = strings.Cut(text, "\n")
	if bytes, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64); err != nil {
		return 0, 0, fmt.Errorf("INFO memory: %w", err)
	}
	return keys, bytes, nil
}

// redisAloneWorld is one instance on a Redis and SQLite, without a cap on new sessions.
func redisAloneWorld(p *plan) (*world, error) {
	redis := testserver.Redis(p.t)
	w, err := openLocal(p.t, p.binary, "", p.scale(p.local), "REDIS_URL="+redis.URL(), "NEW_SESSIONS_PER_MINUTE=0")
	if err != nil {
		return nil, err
	}
	w.redis, w.servers = redis, append(w.servers, redis)
	return w, nil
}
