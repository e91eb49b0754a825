package main

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/timetext"
)

func (c *compiler) address(name, text, otherwise string) string {
	text = c.value(name, text, otherwise)
	if text == "" {
		return ""
	}
	if _, port, err := net.SplitHostPort(text); err != nil {
		c.wrong(name, "%q is not an address: use host:port, like 127.0.0.1:3000", text)
	} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		c.wrong(name, "%q has no port from 0 to 65535: use host:port, like 127.0.0.1:3000", text)
	}
	return text
}

func (c *compiler) duration(name, text, otherwise string, least, most time.Duration) time.Duration {
	text = c.value(name, text, otherwise)
	d, err := parseDuration(text)
	means := ""
	if _, err := strconv.Atoi(text); err == nil && d != 0 {
		means = ", because a number without a unit is seconds"
	}
	switch {
	case err != nil:
		c.wrong(name, "%q is not a time: use seconds (1800) or a duration (30m, 24h, 400d)", text)
	case d < least:
		c.wrong(name, "%q is too short%s: use %s or more", text, means, timetext.Of(least))
	case most > 0 && d > most:
		c.wrong(name, "%q is too long%s: use %s or less", text, means, timetext.Of(most))
	}
	return d
}

// parseDuration reads seconds, a Go duration, or a number of days.
func parseDuration(text string) (time.Duration, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return scale(n, time.Second)
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseInt(days, 10, 64); err == nil {
			return scale(n, 24*time.Hour)
		}
	}
	return time.ParseDuration(text)
}

func scale(n int64, unit time.Duration) (time.Duration, error) {
	if n < 0 || n > int64(1<<62/unit) {
		return 0, errors.New("out of range")
	}
	return time.Duration(n) * unit, nil
}

func (c *compiler) count(name, text, otherwise string) int {
	text = c.value(name, text, otherwise)
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1_000_000_000 {
		c.wrong(name, "%q is not a number: use a whole number, 0 or more", text)
	}
	return n
}

func (c *compiler) boolean(name, text, otherwise string) bool {
	text = c.value(name, text, otherwise)
	b, err := strconv.ParseBool(text)
	if err != nil {
		c.wrong(name, "%q is unknown: use true or false", text)
	}
	return b
}

func (c *compiler) size(name, text, otherwise string, least int64) int64 {
	text = c.value(name, text, otherwise)
	number, unit := text, int64(1)
	for _, u := range []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}} {
		if n, ok := strings.CutSuffix(text, u.suffix); ok {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil || n < 0 || n > 1<<62/unit:
		c.wrong(name, "%q is not a size: use bytes, or a number with KiB, MiB or GiB", text)
	case n*unit < least:
		c.wrong(name, "%q is too small: use %d bytes or more", text, least)
	}
	return n * unit
}
