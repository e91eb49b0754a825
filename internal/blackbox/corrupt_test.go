package blackbox

import (
	"strings"
	"testing"

	"github.com/footfall-go/footfall/internal/testserver"
)

// Whatever stands in Redis under a customer's session is no reason to log them out:
// the archive is asked.
func TestCorruptRecord_InRedisLogsNobodyOut(t *testing.T) {
	t.Parallel()
	redis := testserver.Redis(t)
	s := openShop(t, "REDIS_URL="+redis.URL(), "REDIS_PREFIX=corrupt:")
	b := s.browser()
	b.view(productsPath)
	b.post(loginPath, firstCustomer).want(200)
	s.drained()
	id := sessionIn(b.cookie("session"))
	key := "corrupt:session:" + id
	record := redis.Get(t, key)
	if !strings.Contains(record, id) {
		t.Fatalf("Redis has %q under %s: the test is no test", record, key)
	}
	for _, value := range []string{
		"{}", "null", "", "[]", "\x00", record[:len(record)/2], strings.Replace(record, `"activity":"1 `, `"activity":"1 -`, 1), strings.Replace(record, `"startedAt":"20`, `"startedAt":"21`, 1),
		strings.Replace(record, `"startedAt"`, `"started"`, 1), strings.Replace(record, `"secretHash"`, `"secret"`, 1), strings.Replace(record, id, "01970000-0000-7000-8000-000000000001", 1),
	} {
		redis.Do(t, "SET", key, value, "EX", "600")
		b.get(mePath).want(200)
		if got := redis.Get(t, key); !strings.Contains(got, id) || got == value {
			t.Errorf("after a request Redis has %q in place of the damaged %.60q: the record is put back", got, value)
		}
	}
	redis.Do(t, "DEL", key)
	redis.Do(t, "RPUSH", key, "a list")
	b.get(mePath).want(200)
	if out := s.run("doctor").out; !strings.Contains(out, "corrupt_records") {
		t.Errorf("doctor does not show that records were damaged:\n%s", out)
	}
	redis.Do(t, "SET", key, `{"activity":"2 17 s what comes later"}`, "EX", "600")
	b.get(mePath).want(503)
	if got := redis.Get(t, key); got != `{"activity":"2 17 s what comes later"}` {
		t.Errorf("what a newer version wrote became %q", got)
	}
}
