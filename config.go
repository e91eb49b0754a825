package footfall

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/doubts"
	"github.com/footfall-go/footfall/internal/journal"
	"github.com/footfall-go/footfall/internal/loglimit"
	"github.com/footfall-go/footfall/internal/memory"
	"github.com/footfall-go/footfall/internal/timetext"
	"github.com/footfall-go/footfall/store"
)

// Config says how a [Tracker] works. Secrets, Hot, Archive and JournalDir are
// required; the zero value of every other field means its default.
type Config struct {
	// Secrets sign cookies: at least 32 bytes each. The first signs, all verify. They
	// print as hidden. Required.
	Secrets store.Secrets `json:"-"`

	// Hot shares live sessions between processes, Archive is the durable record. The
	// tracker closes neither. Required.
	Hot     HotStore
	Archive Archive

	// JournalDir is the directory of this process's journal, which no other process
	// may use. Required.
	JournalDir string
	// JournalSync is the longest time between a write to the journal and its flush to
	// the disk itself; [SyncAlways] flushes before each answer, [SyncNever] leaves it
	// to the operating system. A crash of the process loses nothing with any of them;
	// a power cut loses at most what was written in that time. Default: 100 ms.
	JournalSync time.Duration
	// JournalMaxBytes is how much the journal may hold while the archive is away, at
	// least 1 MiB. Beside it the journal has a reserve of 4 MiB for orders, refunds,
	// logouts and revocations on a full disk. Default: 1 GiB.
	JournalMaxBytes int64

	// SessionCookie and VisitorCookie are the cookies' names. The prefixes __Host- and
	// __Secure- need secure cookies. Default: "session" and "visitor_id".
	SessionCookie, VisitorCookie string
	// Insecure drops Secure from cookies, for development over plain HTTP.
	Insecure bool

	// IdleTimeout ends a session without activity. Default: 30 minutes.
	IdleTimeout time.Duration
	// MaxAge ends a session however active it is. Default: 24 hours.
	MaxAge time.Duration
	// VisitorTTL is the lifetime of the visitor cookie, counted from the first
	// visit; browsers keep it for at most 400 days. Default: 365 days.
	VisitorTTL time.Duration

	// NewSessionsPerMinute caps the sessions that begin from one network, a /24 or
	// /64; from all networks together a hundred times as many may begin, and sessions of
	// 64 MiB, of which 16 MiB behind proxies that are not trusted. Negative: no cap.
	// Default: 6,000.
	NewSessionsPerMinute int
	// LiveSessions is how many sessions are held in this process's memory. Default:
	// 100,000.
	LiveSessions int
	// LiveBytes is how much memory they may take, about; a session takes 2 to 10 KiB. At
	// the bound those whose cookie never returned leave first, then those that were idle
	// longest; they are read from a store again. Default: an eighth of the memory that this
	// process may use (GOMEMLIMIT, the limit of its cgroup, or the machine's memory).
	LiveBytes int64

	// TrustedProxies are the networks whose X-Forwarded-For is believed. Default: none.
	TrustedProxies []netip.Prefix
	// TrustUnixSocket believes the X-Forwarded-For of a peer on a Unix socket, which has
	// no address. Without it all visitors behind that socket have none.
	TrustUnixSocket bool
	// OwnHosts are the shop's hosts, which are never a referrer. Default: the host of
	// the request.
	OwnHosts []string
	// FullAddresses stores whole IP addresses. Default: they are masked to /24 and /48.
	FullAddresses bool
	// Locate returns the country of an address (its ISO 3166 code) and its city, "" where it
	// does not know: package geoip reads them from a database. It is called when a session
	// begins, with the whole address, and has to be quick. Default: neither is stored.
	Locate func(addr netip.Addr) (country, city string)

	// StoreTimeout is how long stores may take of a request, at least 1 ms. Default:
	// 50 ms.
	StoreTimeout time.Duration

	// DisableJobs leaves background jobs (metrics, retention) to other processes.
	DisableJobs bool
	// RetentionSessions and RetentionVisitors are the ages at which sessions, with
	// their events, and visitors are deleted. Default: 760 and 400 days.
	RetentionSessions, RetentionVisitors time.Duration

	// LegacyUntil: until then, sessions of an Express service whose place Footfall takes
	// (same hot store, same secret) are continued as Footfall's. Default: never.
	LegacyUntil time.Time

	// Location is the time zone of the shop's day. Default: UTC.
	Location *time.Location

	// IsPageView decides what counts as a page view; bots never do. status and
	// contentType are the answer's. Default: [IsPageView].
	IsPageView func(r *http.Request, status int, contentType string) bool

	// OwnAgents are patterns of the User-Agents of the shop's own apps: people,
	// whatever HTTP library the app uses. A pattern matches anywhere in the text,
	// whatever the case; * stands for any text. At least 3 other bytes. Default: none.
	OwnAgents []string
	// AcceptCH adds Accept-CH to the answers of navigations. Chromium then sends the device's
	// form with its next requests, which tells tablets, headsets and cars from telephones. A
	// session keeps what its first request told. Default: browsers are not asked.
	AcceptCH bool
	// Rules are lists of sites (search, social, payment and so on), of software and of the
	// shop's own apps, which [enrich.ReadRules] reads from a file. Default: the built-in ones.
	Rules *enrich.Rules
	// BotReason decides whether software made a request that no person asked for: it
	// returns why, in at most 64 bytes, or "" for a person. reason is what Footfall found,
	// "" for a person. It is called for every request. Default: what Footfall found.
	BotReason func(r *http.Request, reason string) string

	// Logger receives what an operator should know: of lines that are alike at most one a
	// second, with how many are left out. Default: slog.Default().
	Logger *slog.Logger
}

// Format keeps the secrets out of the log of whoever prints a Config.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "footfall.Config") }

// The values of Config.JournalSync that are no interval.
const (
	SyncAlways = journal.SyncAlways // before each answer
	SyncNever  = journal.SyncNever  // left to the operating system
)

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
	c.IdleTimeout = or(c.IdleTimeout, store.DefaultIdle)
	c.MaxAge = or(c.MaxAge, store.DefaultAbsolute)
	c.VisitorTTL = or(c.VisitorTTL, 365*day)
	c.NewSessionsPerMinute = or(c.NewSessionsPerMinute, 6000)
	c.LiveSessions = or(c.LiveSessions, defaultLive)
	c.LiveBytes = or(c.LiveBytes, memory.Limit()/8)
	c.StoreTimeout = or(c.StoreTimeout, 50*time.Millisecond)
	c.RetentionSessions = or(c.RetentionSessions, 760*day)
	c.RetentionVisitors = or(c.RetentionVisitors, 400*day)
	c.Location = or(c.Location, time.UTC)
	c.Rules = or(c.Rules, enrich.DefaultRules())
	c.Logger = loglimit.Logger(or(c.Logger, slog.Default()))
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
		wrong("JournalSync", "%s is no interval: use a positive one, SyncAlways or SyncNever", timetext.Of(c.JournalSync))
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
		wrong("VisitorCookie", "%q is the session cookie's name too: use another", c.VisitorCookie)
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
			wrong(d.field, "%s is too short: use %s or more", timetext.Of(d.value), timetext.Of(d.least))
		}
	}
	if c.VisitorTTL > cookie.MaxLifetime {
		wrong("VisitorTTL", "%s is too long: browsers keep a cookie for at most 400 days, so use 400d or less", timetext.Of(c.VisitorTTL))
	}
	for _, pattern := range c.OwnAgents {
		if err := enrich.CheckAgentPattern(pattern); err != nil {
			wrong("OwnAgents", "%v", err)
		}
	}
	if c.LiveSessions < 0 {
		wrong("LiveSessions", "%d is negative: use 1 or more, or 0 for the default", c.LiveSessions)
	}
	if c.LiveBytes < 1<<20 {
		wrong("LiveBytes", "%d is too small: use 1 MiB or more, or 0 for the default", c.LiveBytes)
	}
	for i, p := range c.TrustedProxies {
		if !p.IsValid() {
			wrong("TrustedProxies", "number %d is not a network: use netip.ParsePrefix", i+1)
		}
	}
	return c, errors.Join(mistakes...)
}

// logDoubts logs what can be used but is most likely a mistake.
func (c Config) logDoubts() {
	for _, d := range doubts.Of(doubts.Values{
		StoreTimeout: c.StoreTimeout, IdleTimeout: c.IdleTimeout, MaxAge: c.MaxAge, VisitorTTL: c.VisitorTTL, JournalSync: c.JournalSync,
		NewSessionsPerMinute: c.NewSessionsPerMinute, TrustedProxies: c.TrustedProxies, OwnHosts: c.OwnHosts,
	}) {
		c.Logger.Warn("footfall: Config." + d.Field + ": " + d.Says)
	}
}
