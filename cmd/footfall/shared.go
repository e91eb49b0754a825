package main

import (
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/day"
	"github.com/footfall-go/footfall/internal/secret"
)

// sharedStores are the settings of stores that several instances share. An empty
// one means a store in this process or in DATA_DIR.
type sharedStores struct {
	redisURL, redisPrefix    string
	upstashURL, upstashToken string
	mongodbURI               string
}

func (c *compiler) sharedStores(s *Settings) {
	c.shared = sharedStores{s.RedisURL, s.RedisPrefix, s.UpstashURL, s.UpstashToken, s.MongoDBURI}
	c.value("REDIS_URL", secret.Address(s.RedisURL), "")
	c.value("REDIS_PREFIX", s.RedisPrefix, "")
	c.value("UPSTASH_REDIS_REST_URL", secret.Address(s.UpstashURL), "")
	c.value("UPSTASH_REDIS_REST_TOKEN", secret.Value(s.UpstashToken), "")
	c.value("MONGODB_URI", secret.Address(s.MongoDBURI), "")
	if s.RedisURL != "" && !hasScheme(s.RedisURL, "redis", "rediss", "redis+sentinel", "rediss+sentinel") {
		c.wrong("REDIS_URL", "it is not the address of a Redis server: use redis://host:6379, rediss://, redis://host1:6379,host2:6379 or redis+sentinel://host:26379/name")
	}
	if s.MongoDBURI != "" && !hasScheme(s.MongoDBURI, "mongodb", "mongodb+srv") {
		c.wrong("MONGODB_URI", "it is not the address of a MongoDB server: use mongodb://host:27017/footfall or mongodb+srv://")
	}
	switch {
	case s.UpstashURL == "" && s.UpstashToken == "":
	case s.UpstashURL == "":
		c.wrong("UPSTASH_REDIS_REST_TOKEN", "it is set without UPSTASH_REDIS_REST_URL: set both or neither")
	case s.UpstashToken == "":
		c.wrong("UPSTASH_REDIS_REST_URL", "it is set without UPSTASH_REDIS_REST_TOKEN: set both or neither")
	case s.RedisURL != "":
		c.wrong("UPSTASH_REDIS_REST_URL", "REDIS_URL is set too: unset one of them")
	case !hasScheme(s.UpstashURL, "http", "https"):
		c.wrong("UPSTASH_REDIS_REST_URL", "it is not the address of a REST API: use https://…")
	}
	if s.RedisPrefix != "" && strings.ContainsAny(s.RedisPrefix, "{} \t\r\n*?[]") {
		c.wrong("REDIS_PREFIX", "%q has characters with a special meaning in Redis: use letters, digits, - _ . and :", s.RedisPrefix)
	}
}

// legacyUntil reads a day in the shop's time zone, which is included, or a moment.
func (c *compiler) legacyUntil(s *Settings) {
	text := c.value("LEGACY_UNTIL", s.LegacyUntil, "")
	if text == "" {
		return
	}
	last, err := day.Parse(text, c.Location)
	if err == nil {
		c.LegacyUntil = last.End()
	} else {
		c.LegacyUntil, err = time.Parse(time.RFC3339, text)
	}
	switch {
	case err != nil:
		c.wrong("LEGACY_UNTIL", "%q is not a date: write it like 2026-01-31", text)
	case s.RedisURL == "" && s.UpstashURL == "":
		c.wrong("LEGACY_UNTIL", "the Express service's sessions are in its Redis: set REDIS_URL or UPSTASH_REDIS_REST_URL to it")
	}
}

func hasScheme(url string, schemes ...string) bool {
	for _, s := range schemes {
		if rest, ok := strings.CutPrefix(url, s+"://"); ok && rest != "" {
			return true
		}
	}
	return false
}
