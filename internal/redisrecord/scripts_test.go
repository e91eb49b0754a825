package redisrecord_test

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/footfall-go/footfall/internal/redisrecord"
	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/store"
)

func run(t *testing.T, redis *testserver.RedisServer, s redisrecord.Script, key string, args []string, err error) bool {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return redis.Do(t, append([]string{"EVAL", s.Source, "1", key}, args...)...)[0] == "1"
}

// The script has to format values as Go does.
func TestScripts_ShowTimes(t *testing.T) {
	redis := testserver.Redis(t)
	times := []int64{0, 1, 951782399999, 951782400000, 951868800000, 1709164800000, 4107542400000, 253402300799999, 253402300800000, 1<<53 - 1}
	for range 100 {
		times = append(times, rand.Int64N(253402300800000))
	}
	for i, ms := range times {
		key := "k" + strconv.Itoa(i)
		args, err := redisrecord.PutArgs("s", []byte(`{"a":1,"pageViews":3,"lastSeenAt":"1970-01-01T00:00:00.000Z"}`), 0, 1, time.Minute)
		run(t, redis, redisrecord.Put, key, args, err)
		args, err = redisrecord.MergeArgs("s", "w", store.Activity{Views: 2, LastSeen: ms}, time.Minute)
		if !run(t, redis, redisrecord.Merge, key, args, err) {
			t.Fatal("not merged")
		}
		want := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
		if ms >= 253402300800000 {
			want = "1970-01-01T00:00:00.000Z"
		}
		var shown struct {
			PageViews  int
			LastSeenAt string
		}
		value := redis.Get(t, key)
		if err := json.Unmarshal([]byte(value), &shown); err != nil || shown.PageViews != 5 || shown.LastSeenAt != want {
			t.Errorf("%d is shown as %s, %v; want %s", ms, value, err, want)
		}
	}
}

// The scripts have to accept exactly the values that Go accepts as records.
func TestScripts_AgreeOnForeignValues(t *testing.T) {
	redis := testserver.Redis(t)
	good := `{"a":1,"pageViews":5,"lastSeenAt":"2026-01-01T00:00:00.000Z","activity":"1 17 s 3@2026-01-01T00:00:00.000Z 0 w=2+1+0"}`
	random := rand.New(rand.NewPCG(1, 2))
	merged := 0
	for range 1500 {
		b := []byte(good)
		for range 1 + random.IntN(2) {
			i := random.IntN(len(b))
			switch random.IntN(3) {
			case 0:
				b[i] = good[random.IntN(len(good))]
			case 1:
				b = append(b[:i], b[i+1:]...)
			case 2:
				b = append(b[:i], append([]byte{good[random.IntN(len(good))]}, b[i:]...)...)
			}
		}
		value := string(b)
		redis.Do(t, "SET", "k", value, "EX", "100")
		_, version, _, err := redisrecord.Decode(b)
		args, argsErr := redisrecord.MergeArgs("s", "w", store.Activity{Views: 3}, time.Minute)
		took := run(t, redis, redisrecord.Merge, "k", args, argsErr)
		if err == nil && version == 0 && took && !strings.Contains(value, `"activity":"1 0 `) {
			t.Errorf("%q is foreign in Go, and the script merged into it: %s", value, redis.Get(t, "k"))
		}
		if took {
			merged++
		}
	}
	if merged == 0 {
		t.Error("nothing was merged: the test is no test")
	}
}

// A new record is the same, whether the script writes it or SET.
func TestNew_IsWhatTheScriptWrites(t *testing.T) {
	redis := testserver.Redis(t)
	for i, doc := range []string{
		`{}`, ` { } `, `{"a":1}`, "{\"a\":1}\n", `{"pageViews":3,"lastSeenAt":"2026-09-21T13:46:40.000Z"}`, `{"a":1,"pageViews":3,"lastSeenAt":"2026-09-21T13:46:40.000Z"}`,
		`{"a":1,"pageViews":0,"lastSeenAt":"1969-09-21T13:46:40.000Z"}`, `{"a":1,"pageViews":9007199254740992,"lastSeenAt":"2026-09-21T13:46:40.000Z"}`,
		`{"a":1,"pageViews":9007199254740993,"lastSeenAt":"2026-09-21T13:46:40.000Z"}`, `{"a":"%1 %s","pageViews":12,"lastSeenAt":"2026-09-21T13:46:40.000Z"}`,
	} {
		key := "new" + strconv.Itoa(i)
		args, err := redisrecord.PutArgs("s-1", []byte(doc), 0, 17, time.Minute)
		if !run(t, redis, redisrecord.Put, key, args, err) {
			t.Fatal("not stored")
		}
		value, err := redisrecord.New("s-1", []byte(doc), 17)
		if err != nil || value != redis.Get(t, key) {
			t.Errorf("%s is written as\n%s\nand by the script as\n%s", doc, value, redis.Get(t, key))
		}
	}
	for _, bad := range []string{"", "[]", "x"} {
		if _, err := redisrecord.New("s", []byte(bad), 1); err == nil {
			t.Errorf("the document %q is written", bad)
		}
	}
	if _, err := redisrecord.New("no word", []byte("{}"), 1); err == nil {
		t.Error("a series that is no word is written")
	}
}
