package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// How long the figures for people stay in the server when nobody refreshes them.
const (
	activeUsersTTL = time.Minute
	dailyVisitsTTL = 7 * 24 * time.Hour
)

// Check reports an error if the server cannot be reached or refuses what the
// store writes.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.do(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.Set().Key(s.prefix + "footfall:check").Value("1").Px(10 * time.Second).Build()
	})
	if err == nil {
		return nil
	}
	remedy := ""
	if refusal, ok := rueidis.IsRedisErr(err); ok {
		switch code, _, _ := strings.Cut(refusal.Error(), " "); code {
		case "READONLY":
			remedy = ": this is a replica: use the address of the master, or Sentinel"
		case "OOM":
			remedy = ": it is full: raise maxmemory"
		case "NOPERM", "NOAUTH", "WRONGPASS":
			remedy = ": look at the user, its password and its rights"
		case "LOADING":
			remedy = ": it is starting"
		}
	}
	if strings.HasPrefix(err.Error(), "received unknown message type") {
		remedy = ": what answers there is not Redis: look at the host and the port"
	}
	return fmt.Errorf("redisstore: check: %w%s", err, remedy)
}

// Describe returns a few words about the server.
func (s *Store) Describe(ctx context.Context) (string, error) {
	reply, err := s.do(ctx, func(b rueidis.Builder) rueidis.Completed { return b.Info().Build() })
	if _, refused := rueidis.IsRedisErr(err); refused {
		return "Redis", nil // the user may lack the right to run INFO
	}
	text := ""
	if err == nil {
		text, err = reply.ToString()
	}
	if err != nil {
		return "", fmt.Errorf("redisstore: describe: %w", err)
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		info[name] = value
	}
	name, version := "Redis", info["redis_version"]
	if v := info["valkey_version"]; v != "" {
		name, version = "Valkey", v
	}
	says := []string{name + " " + version, info["redis_mode"]}
	if mode := info["server_mode"]; mode != "" {
		says[1] = mode
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		says = append(says, "evicts live sessions ("+policy+")")
	}
	return strings.Join(says, ", "), nil
}

// SetMetrics writes figures for people who look into the server: the number of
// active users, and the number of sessions that began on a day (YYYY-MM-DD).
func (s *Store) SetMetrics(ctx context.Context, activeUsers int64, day string, visits int64) error {
	set := func(key string, n int64, ttl time.Duration) error {
		_, err := s.do(ctx, func(b rueidis.Builder) rueidis.Completed {
			return b.Set().Key(s.prefix + key).Value(strconv.FormatInt(n, 10)).Ex(ttl).Build()
		})
		return err
	}
	if err := errors.Join(set("metrics:active_users", activeUsers, activeUsersTTL), set("metrics:daily_visits:"+day, visits, dailyVisitsTTL)); err != nil {
		return fmt.Errorf("redisstore: metrics: %w", err)
	}
	return nil
}
