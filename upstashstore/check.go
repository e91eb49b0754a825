package upstashstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// How long the figures for people stay when nobody refreshes them, in seconds.
const (
	activeUsersTTL = "60"
	dailyVisitsTTL = "604800"
)

// Check reports an error if the database cannot be reached, or if the token may
// not write or run scripts.
func (s *Store) Check(ctx context.Context) error {
	pong, err := s.run(ctx, "PING")
	if err == nil && pong != "PONG" {
		err = errors.New("the answer to PING is not PONG")
	}
	if err == nil {
		var wrote any
		wrote, err = s.run(ctx, "EVAL", "return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])", "1", s.prefix+"footfall:check", "1", "10000")
		if err == nil && wrote != "OK" {
			err = errors.New("the answer to SET is not OK")
		}
	}
	if err != nil {
		return fmt.Errorf("upstashstore: check: %w", err)
	}
	return nil
}

// Describe returns a few words about the database.
func (s *Store) Describe(ctx context.Context) (string, error) {
	says := "Redis over REST at " + s.client.base.Host
	info, err := s.run(ctx, "INFO")
	if errors.As(err, new(commandError)) {
		return says, nil // the token may lack the right to run INFO
	}
	if err != nil {
		return "", fmt.Errorf("upstashstore: describe: %w", err)
	}
	text, _ := info.(string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "redis_version":
			says += ", version " + s.client.line(value)
		case "maxmemory_policy":
			if value != "noeviction" {
				says += ", evicts live sessions (" + s.client.line(value) + ")"
			}
		}
	}
	return says, nil
}

// SetMetrics writes figures for people who look into the database: the number of
// active users, and the number of sessions that began on a day (YYYY-MM-DD).
func (s *Store) SetMetrics(ctx context.Context, activeUsers int64, day string, visits int64) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	active, err := newCommand("SET", s.prefix+"metrics:active_users", strconv.FormatInt(activeUsers, 10), "EX", activeUsersTTL)
	daily, err2 := newCommand("SET", s.prefix+"metrics:daily_visits:"+day, strconv.FormatInt(visits, 10), "EX", dailyVisitsTTL)
	if err = errors.Join(err, err2); err == nil {
		var replies []reply
		if replies, err = s.client.pipeline(ctx, []command{active, daily}); err == nil {
			err = errors.Join(replies[0].err, replies[1].err)
		}
	}
	if err != nil {
		return fmt.Errorf("upstashstore: metrics: %w", err)
	}
	return nil
}
