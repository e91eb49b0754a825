package main

import (
	"io"
	"log/slog"
	"time"

	"github.com/footfall-go/footfall/internal/build"
	"github.com/footfall-go/footfall/internal/loglimit"
	"github.com/footfall-go/footfall/internal/secret"
	"github.com/footfall-go/footfall/internal/timetext"
)

// logging reads how to log. The form does not depend on where the log goes, so that it
// reads the same on a terminal and in a file.
func (c *compiler) logging(s *Settings) {
	if c.logFormat = c.value("LOG_FORMAT", s.LogFormat, "text"); c.logFormat != "text" && c.logFormat != "json" {
		c.wrong("LOG_FORMAT", "%q is unknown: use text or json", c.logFormat)
	}
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	name, known := c.value("LOG_LEVEL", s.LogLevel, "info"), false
	if c.logLevel, known = levels[name]; !known {
		c.wrong("LOG_LEVEL", "%q is unknown: use debug, info, warn or error", name)
	}
}

// logger logs what is at least of LOG_LEVEL, and of the given level, bounded: what a
// request causes to be logged is written once a second.
func (c *config) logger(w io.Writer, least slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: max(c.logLevel, least), ReplaceAttr: inSettings}
	if c.logFormat == "json" {
		return loglimit.Logger(slog.New(slog.NewJSONHandler(w, options)))
	}
	return loglimit.Logger(slog.New(slog.NewTextHandler(w, options)))
}

// logStart says what runs, and with which settings that matter. None is a secret.
func (n *node) logStart(at addresses) {
	b, c := build.Read(), n.config
	admin := at.admin
	if c.adminToken == "" {
		admin = "off (ADMIN_TOKEN is not set)"
	}
	n.log.Info("footfall: started", "version", b.Version, "commit", dash(b.Commit), "address", at.public, "admin", admin,
		"hotStore", c.hotName(), "archive", c.archiveName(), "dataDir", c.dataDir,
		"journalSync", c.syncName(), "development", c.development)
}

// hotName returns the name of the hot store, without a password.
func (c *config) hotName() string {
	switch s := c.shared; {
	case s.redisURL != "":
		return secret.Address(s.redisURL)
	case s.upstashURL != "":
		return secret.Address(s.upstashURL)
	}
	return "memory"
}

func (c *config) syncName() string {
	for _, s := range c.effective {
		if s.Name == "JOURNAL_SYNC" {
			return s.Value
		}
	}
	return ""
}

// logEnd says how long the process ran, and what is left in its journal.
func (n *node) logEnd(began time.Time) {
	n.log.Info("footfall: ended", "after", timetext.Of(time.Since(began).Round(time.Millisecond)), "journalEmpty", n.left == 0, "journalPending", n.left)
}
