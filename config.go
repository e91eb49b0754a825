package footfall

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/journal"
)

// Config says how a [Tracker] works. Secrets, Hot, Archive and JournalDir are
// required; the zero value of every other field means its default.
type Config struct {
	// Secrets sign cookies: at least 32 bytes each. The first signs, all verify.
	Secrets []string

	// Hot shares live sessions, Archive is the durable record. The tracker does
	// not close them.
	Hot     HotStore
	Archive Archive

	// JournalDir is this process's own directory for the journal.
	JournalDir string
	// JournalSync is how often the journal is flushed to the disk itself:
	// default 100 ms. SyncAlways flushes before each answer, SyncNever leaves it
	// to the operating system. A crash of the process loses nothing with any of
	// them; a power cut loses at most that much.
	JournalSync time.Duration
	// JournalMaxBytes is how much the journal may hold while the archive is
	// away: default 1 GiB.
	JournalMaxBytes int64

	// SessionCookie and VisitorCookie are the cookies' names: default "session"
	// and "visitor_id". The prefixes __Host- and __Secure- need secure cookies.
	SessionCookie, VisitorCookie string
	// Insecure drops Secure from cookies, for development over plain HTTP.
	Insecure bool

	// IdleTimeout ends a session without activity: default 30 minutes.
	IdleTimeout time.Duration
	// MaxAge ends a session however active it is: default 24 hours.
	MaxAge time.Duration
	// VisitorTTL is the lifetime of the visitor cookie, counted from the first
	// visit: default 365 days, at most 400.
	VisitorTTL time.Duration

	// NewSessionsPerMinute caps the sessions begun from one /24 or /64: default
	// 6,000, negative for no cap. A hundred times as many may begin in all.
	NewSessionsPerMinute int
	// LiveSessions is how many sessions are held in this process: default 100,000.
	LiveSessions int

	// TrustedProxies are the networks whose X-Forwarded-For is believed: none.
	TrustedProxies []netip.Prefix
	// OwnHosts are the shop's hosts, never a referrer: default the request's.
	OwnHosts []string
	// FullAddresses stores whole IP addresses; default is /24 and /48.
	FullAddresses bool

	// StoreTimeout is what stores may cost a request: default 50 ms.
	StoreTimeout time.Duration

	// DisableJobs leaves background jobs (metrics, retention) to other
	// processes.
	DisableJobs bool
	// RetentionSessions and RetentionVisitors are ages at which sessions (with
	// their events) and visitors are deleted: default 760 and 400 days.
	RetentionSessions, RetentionVisitors time.Duration

	// LegacyUntil is until when sessions are adopted that the Express service
	// keeps in the same hot store, whose cookies one of Secrets signed: never.
	LegacyUntil time.Time

	// Location is the shop's time zone: default UTC.
	Location *time.Location

	// IsPageView decides what counts: default [IsPageView]. Bots never do.
	IsPageView func(r *http.Request, status int) bool

	// Logger is told what an operator should know: default slog.Default().
	Logger *slog.Logger
}

// The values of Config.JournalSync that are no interval.
const (
	SyncAlways = journal.SyncAlways // each write
	SyncNever  = journal.SyncNever  // left to the operating system
)

// MaxVisitorTTL is the longest that browsers keep a cookie.
const MaxVisitorTTL = cookie.MaxLifetime

const (
	day         = 24 * time.Hour
	defaultLive = 100_000
)

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// withDefaults fills in what was left out and reports every mistake.
func (c Config) withDefaults() (Config, error) {
	c.JournalSync = or(c.JournalSync, 100*time.Millisecond)
	c.JournalMaxBytes = or(c.JournalMaxBytes, 1<<30)
	c.SessionCookie = or(c.SessionCookie, "session")
	c.VisitorCookie = or(c.VisitorCookie, "visitor_id")
	c.IdleTimeout = or(c.IdleTimeout, 30*time.Minute)
	c.MaxAge = or(c.MaxAge, day)
	c.VisitorTTL = or(c.VisitorTTL, 365*day)
	c.NewSessionsPerMinute = or(c.NewSessionsPerMinute, 6000)
	c.LiveSessions = or(c.LiveSessions, defaultLive)
	c.StoreTimeout = or(c.StoreTimeout, 50*time.Millisecond)
	c.RetentionSessions = or(c.RetentionSessions, 760*day)
	c.RetentionVisitors = or(c.RetentionVisitors, 400*day)
	c.Location = or(c.Location, time.UTC)
	c.Logger = or(c.Logger, slog.Default())
	if c.IsPageView == nil {
		c.IsPageView = IsPageView
	}

	var mistakes []error
	wrong := func(field, format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("footfall: Config.%s: %s", field, fmt.Sprintf(format, args...)))
	}
	if len(c.Secrets) == 0 {
		wrong("Secrets", "required: at least one secret of 32 bytes or more")
	}
	for i, s := range c.Secrets {
		if err := cookie.CheckSecret(s); err != nil {
			wrong("Secrets", "number %d: %v", i+1, err)
		}
	}
	if c.Hot == nil {
		wrong("Hot", "required: memstore.New for one process")
	}
	if c.Archive == nil {
		wrong("Archive", "required: sqlitearchive.Open for one machine")
	}
	if c.JournalDir == "" {
		wrong("JournalDir", "required: a directory of this process's own")
	}
	if c.JournalSync < 0 && c.JournalSync != SyncAlways && c.JournalSync != SyncNever {
		wrong("JournalSync", "%v is no interval: use a positive one, SyncAlways or SyncNever", c.JournalSync)
	}
	if c.JournalMaxBytes < 1<<20 {
		wrong("JournalMaxBytes", "%d is too small: use 1 MiB or more", c.JournalMaxBytes)
	}
	for _, named := range []struct{ field, name string }{{"SessionCookie", c.SessionCookie}, {"VisitorCookie", c.VisitorCookie}} {
		if err := cookie.CheckName(named.name, !c.Insecure); err != nil {
			wrong(named.field, "%v", err)
		}
	}
	if c.SessionCookie == c.VisitorCookie {
		wrong("VisitorCookie", "%q is the session cookie's name too", c.VisitorCookie)
	}
	for _, d := range []struct {
		field string
		value time.Duration
		least time.Duration
	}{
		{"IdleTimeout", c.IdleTimeout, time.Second}, {"MaxAge", c.MaxAge, time.Second}, {"VisitorTTL", c.VisitorTTL, time.Second},
		{"StoreTimeout", c.StoreTimeout, time.Millisecond}, {"RetentionSessions", c.RetentionSessions, c.MaxAge}, {"RetentionVisitors", c.RetentionVisitors, c.MaxAge},
	} {
		if d.value < d.least {
			wrong(d.field, "%v is too short: use %v or more", d.value, d.least)
		}
	}
	if c.VisitorTTL > MaxVisitorTTL {
		wrong("VisitorTTL", "%v is too long: browsers keep a cookie for at most 400 days", c.VisitorTTL)
	}
	if c.LiveSessions < 0 {
		wrong("LiveSessions", "%d is negative", c.LiveSessions)
	}
	return c, errors.Join(mistakes...)
}
