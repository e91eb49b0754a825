package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // makes TIMEZONE work on a machine without zone files

	"github.com/footfall-go/footfall"
	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/cookie"
	"github.com/footfall-go/footfall/internal/secret"
	"github.com/footfall-go/footfall/internal/timetext"
	"github.com/footfall-go/footfall/store"
)

// Settings come from the environment, or from the corresponding flag of each
// subcommand. Their fields are text; compile interprets it.
type Settings struct {
	Addr                 string `group:"Settings:" env:"ADDR" placeholder:"HOST:PORT" help:"Listen address (default: 127.0.0.1:3000)."`
	AppEnv               string `group:"Settings:" env:"APP_ENV,NODE_ENV" placeholder:"NAME" help:"production or development (default: production; in demo: development)."`
	CookieSecret         string `group:"Settings:" env:"COOKIE_SECRET" placeholder:"TEXT" help:"32 bytes or more; a comma-separated list rotates: the first signs, all verify."`
	CookieSession        string `group:"Settings:" env:"COOKIE_SESSION" placeholder:"NAME" help:"Name of the session cookie (default: session)."`
	CookieVisitor        string `group:"Settings:" env:"COOKIE_VISITOR" placeholder:"NAME" help:"Name of the visitor cookie (default: visitor_id)."`
	SessionTTL           string `group:"Settings:" env:"SESSION_TTL" placeholder:"TIME" help:"Idle timeout: 30m, or seconds (default: 30m)."`
	SessionMaxAge        string `group:"Settings:" env:"SESSION_MAX_AGE" placeholder:"TIME" help:"Absolute lifetime of a session (default: 24h)."`
	VisitorTTL           string `group:"Settings:" env:"VISITOR_TTL" placeholder:"TIME" help:"Lifetime of the visitor cookie (default: 365d)."`
	NewSessionsPerMinute string `group:"Settings:" env:"NEW_SESSIONS_PER_MINUTE" placeholder:"N" help:"New sessions per minute from one /24 or /64; 0: no limit (default: 6000)."`
	RedisURL             string `group:"Settings:" env:"REDIS_URL" placeholder:"URL" help:"Hot store: redis://, rediss://, several hosts for a Cluster, redis+sentinel:// (default: none, memory)."`
	RedisPrefix          string `group:"Settings:" env:"REDIS_PREFIX" placeholder:"TEXT" help:"Text before every key in Redis or Upstash (default: none)."`
	UpstashURL           string `group:"Settings:" name:"upstash-redis-rest-url" env:"UPSTASH_REDIS_REST_URL" placeholder:"URL" help:"Hot store over REST (default: none)."`
	UpstashToken         string `group:"Settings:" name:"upstash-redis-rest-token" env:"UPSTASH_REDIS_REST_TOKEN" placeholder:"TEXT" help:"Token for the hot store over REST (default: none)."`
	MongoDBURI           string `group:"Settings:" name:"mongodb-uri" env:"MONGODB_URI" placeholder:"URI" help:"Archive (default: none, SQLite)."`
	StoreTimeout         string `group:"Settings:" env:"STORE_TIMEOUT" placeholder:"TIME" help:"How long a request may wait for stores (default: 50ms; over REST: 500ms)."`
	DataDir              string `group:"Settings:" env:"DATA_DIR" placeholder:"DIR" help:"Database and journal (default: ./footfall-data)."`
	JournalSync          string `group:"Settings:" env:"JOURNAL_SYNC" placeholder:"TIME" help:"When to fsync the journal: always, never, or an interval (default: 100ms)."`
	JournalMaxBytes      string `group:"Settings:" env:"JOURNAL_MAX_BYTES" placeholder:"SIZE" help:"Greatest size of the journal (default: 1GiB)."`
	EnableCron           string `group:"Settings:" env:"ENABLE_CRON" placeholder:"BOOL" help:"Run background jobs (default: true)."`
	TrustedProxies       string `group:"Settings:" env:"TRUSTED_PROXIES" placeholder:"CIDRS" help:"Networks whose X-Forwarded-For is believed; unix: peers on a Unix socket (default: none)."`
	OwnAgents            string `group:"Settings:" env:"OWN_AGENTS" placeholder:"PATTERNS" help:"User-Agents of the shop's own apps: people, whatever library they use; * is any text (default: none)."`
	RulesFile            string `group:"Settings:" env:"RULES_FILE" placeholder:"FILE" help:"Own lists of sites, software and apps, which win over the built-in ones (default: none)."`
	AcceptCH             string `group:"Settings:" name:"accept-ch" env:"ACCEPT_CH" placeholder:"BOOL" help:"Ask browsers for the form of the device (default: false)."`
	OwnHosts             string `group:"Settings:" env:"OWN_HOSTS" placeholder:"HOSTS" help:"The shop's hosts, which never count as referrers (default: the request's own)."`
	AllowedOrigins       string `group:"Settings:" env:"ALLOWED_ORIGINS" placeholder:"ORIGINS" help:"Foreign origins that may use unsafe methods (default: none)."`
	Consent              string `group:"Settings:" env:"CONSENT" placeholder:"NAME" help:"How visitors consent; only implied is supported (default: implied)."`
	IPMask               string `group:"Settings:" name:"ip-mask" env:"IP_MASK" placeholder:"BOOL" help:"Store only the /24 or /48 of addresses (default: true)."`
	RetentionSessions    string `group:"Settings:" env:"RETENTION_SESSIONS" placeholder:"TIME" help:"Age at which sessions are deleted (default: 760d)."`
	RetentionVisitors    string `group:"Settings:" env:"RETENTION_VISITORS" placeholder:"TIME" help:"Age at which visitors are deleted (default: 400d)."`
	GeoIPDB              string `group:"Settings:" name:"geoip-db" env:"GEOIP_DB" placeholder:"FILE" help:"MMDB file for country and city (default: none)."`
	Timezone             string `group:"Settings:" env:"TIMEZONE" placeholder:"ZONE" help:"Time zone of the shop's day (default: UTC)."`
	LegacyUntil          string `group:"Settings:" env:"LEGACY_UNTIL" placeholder:"DATE" help:"Adopt the Express service's sessions until the end of this day (default: never)."`
	AdminAddr            string `group:"Settings:" env:"ADMIN_ADDR" placeholder:"HOST:PORT" help:"Listen address of its own for the admin API and the metrics (default: none, they are on ADDR)."`
	AdminToken           string `group:"Settings:" env:"ADMIN_TOKEN" placeholder:"TEXT" help:"Token for the admin API, 16 bytes or more (default: none, API off)."`
	LogFormat            string `group:"Settings:" env:"LOG_FORMAT" placeholder:"NAME" help:"Form of the log: text or json (default: text)."`
	LogLevel             string `group:"Settings:" env:"LOG_LEVEL" placeholder:"NAME" help:"Least level that is logged: debug, info, warn or error (default: info)."`
	SecretFiles
}

// A config is the interpreted settings.
type config struct {
	footfall.Config
	shared         sharedStores
	addr           string
	adminAddr      string
	development    bool
	dataDir        string
	allowedOrigins []string
	adminToken     string
	logFormat      string
	geoDB          string
	logLevel       slog.Level
	effective      []setting
}

// A setting is a name and the value in effect.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Set   bool   `json:"set"` // false: Value is the default
}

func (c *config) lifetimes() store.Lifetimes {
	return store.Lifetimes{Idle: c.IdleTimeout, Absolute: c.MaxAge}
}

func (c *config) database() string { return filepath.Join(c.dataDir, "footfall.db") }

// compiler converts settings to a config and collects all mistakes.
type compiler struct {
	config
	mistakes []error
}

// wrong notes a mistake in a setting. What of an address in it is a secret is hidden.
func (c *compiler) wrong(name, format string, args ...any) {
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			args[i] = secret.Text(arg)
		case error:
			args[i] = secret.Text(arg.Error())
		}
	}
	c.mistakes = append(c.mistakes, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

// value records a setting, as it may be shown, and returns its text, or its default.
func (c *compiler) value(name, text, otherwise string) string {
	value, set := text, text != ""
	if !set {
		value = otherwise
	}
	c.effective = append(c.effective, setting{name, secret.Text(value), set})
	return value
}

// compile interprets the settings. defaultEnv is the subcommand's default for
// APP_ENV. The error names each setting that is wrong, and what to do.
func (s *Settings) compile(defaultEnv string) (*config, error) {
	c := &compiler{}
	c.addr = c.address("ADDR", s.Addr, "127.0.0.1:3000")
	c.adminAddr = c.address("ADMIN_ADDR", s.AdminAddr, "")
	if c.adminAddr == c.addr && !strings.HasSuffix(c.addr, ":0") {
		c.wrong("ADMIN_ADDR", "%q is ADDR too: use another, or unset it", c.adminAddr)
	}
	c.logging(s)
	s = c.readSecrets(s)
	switch env := c.value("APP_ENV", s.AppEnv, defaultEnv); env {
	case "production":
	case "development":
		c.development, c.Insecure = true, true
	default:
		c.wrong("APP_ENV", "%q is unknown: use production or development", env)
	}
	c.secrets(s.CookieSecret)
	c.SessionCookie = c.value("COOKIE_SESSION", s.CookieSession, "session")
	c.VisitorCookie = c.value("COOKIE_VISITOR", s.CookieVisitor, "visitor_id")
	c.cookieNames()
	c.IdleTimeout = c.duration("SESSION_TTL", s.SessionTTL, "1800", time.Second, 0)
	c.MaxAge = c.duration("SESSION_MAX_AGE", s.SessionMaxAge, "24h", time.Second, 0)
	c.VisitorTTL = c.duration("VISITOR_TTL", s.VisitorTTL, "31536000", time.Second, cookie.MaxLifetime)
	c.NewSessionsPerMinute = c.count("NEW_SESSIONS_PER_MINUTE", s.NewSessionsPerMinute, "6000")
	if c.NewSessionsPerMinute == 0 {
		c.NewSessionsPerMinute = -1
	}
	c.sharedStores(s)
	c.notBuilt(s)
	timeout := "50ms"
	if c.shared.upstashURL != "" {
		timeout = "500ms"
	}
	c.StoreTimeout = c.duration("STORE_TIMEOUT", s.StoreTimeout, timeout, time.Millisecond, time.Minute)
	c.dataDir = c.value("DATA_DIR", s.DataDir, "./footfall-data")
	c.JournalDir = filepath.Join(c.dataDir, "journal")
	switch sync := c.value("JOURNAL_SYNC", s.JournalSync, "100ms"); sync {
	case "always":
		c.JournalSync = footfall.SyncAlways
	case "never":
		c.JournalSync = footfall.SyncNever
	default:
		d, err := parseDuration(sync)
		if err != nil || d < time.Millisecond || d > time.Minute {
			c.wrong("JOURNAL_SYNC", "%q is unknown: use always, never, or a time from 1ms to 1m", sync)
		}
		c.JournalSync = d
	}
	c.JournalMaxBytes = c.size("JOURNAL_MAX_BYTES", s.JournalMaxBytes, "1GiB", 1<<20)
	c.DisableJobs = !c.boolean("ENABLE_CRON", s.EnableCron, "true")
	for _, text := range list(c.value("TRUSTED_PROXIES", s.TrustedProxies, "")) {
		if text == "unix" {
			c.TrustUnixSocket = true
			continue
		}
		network, err := parseNetwork(text)
		if err != nil {
			c.wrong("TRUSTED_PROXIES", "%q is not a network: use CIDRs like 10.0.0.0/8, or unix, separated by commas", text)
		}
		c.TrustedProxies = append(c.TrustedProxies, network)
	}
	c.geoDatabase(s.GeoIPDB)
	c.rulesFile(s.RulesFile)
	c.AcceptCH = c.boolean("ACCEPT_CH", s.AcceptCH, "false")
	c.OwnAgents = list(c.value("OWN_AGENTS", s.OwnAgents, ""))
	for _, pattern := range c.OwnAgents {
		if err := enrich.CheckAgentPattern(pattern); err != nil {
			c.wrong("OWN_AGENTS", "%v", err)
		}
	}
	c.OwnHosts = list(c.value("OWN_HOSTS", s.OwnHosts, ""))
	for _, host := range c.OwnHosts {
		if strings.ContainsAny(host, "/ @?#") {
			c.wrong("OWN_HOSTS", "%q is not a host: use names like shop.example.com, separated by commas", host)
		}
	}
	c.allowedOrigins = list(c.value("ALLOWED_ORIGINS", s.AllowedOrigins, ""))
	for _, origin := range c.allowedOrigins {
		if u, err := url.Parse(origin); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" {
			c.wrong("ALLOWED_ORIGINS", "%q is not an origin: use https://shop.example.com, separated by commas", origin)
		}
	}
	c.FullAddresses = !c.boolean("IP_MASK", s.IPMask, "true")
	c.RetentionSessions = c.duration("RETENTION_SESSIONS", s.RetentionSessions, "760d", 24*time.Hour, 0)
	c.RetentionVisitors = c.duration("RETENTION_VISITORS", s.RetentionVisitors, "400d", 24*time.Hour, 0)
	for _, r := range []struct {
		name string
		age  time.Duration
	}{{"RETENTION_SESSIONS", c.RetentionSessions}, {"RETENTION_VISITORS", c.RetentionVisitors}} {
		if r.age >= 24*time.Hour && r.age < c.MaxAge {
			c.wrong(r.name, "it is shorter than SESSION_MAX_AGE: live sessions would be deleted; use %s or more", timetext.Of(c.MaxAge))
		}
	}
	zone := c.value("TIMEZONE", s.Timezone, "UTC")
	var err error
	if c.Location, err = time.LoadLocation(zone); err != nil || zone == "Local" {
		c.wrong("TIMEZONE", "%q is unknown: use a name like Europe/Berlin", zone)
	}
	c.legacyUntil(s)
	c.adminToken = s.AdminToken
	c.value("ADMIN_TOKEN", secret.Value(s.AdminToken), "")
	if n := len(s.AdminToken); n > 0 && n < 16 {
		c.wrong("ADMIN_TOKEN", "%d bytes are too few: use 16 or more (openssl rand -hex 16)", n)
	} else if n > 0 && secret.Bits(s.AdminToken) < secret.MinTokenBits {
		c.wrong("ADMIN_TOKEN", "it can be guessed: make a random one (openssl rand -hex 16)")
	}
	return &c.config, errors.Join(c.mistakes...)
}

func (c *compiler) secrets(text string) {
	c.Secrets = list(text)
	c.value("COOKIE_SECRET", secret.Value(text), "")
	for i, text := range c.Secrets {
		if err := cookie.CheckSecret(text); err != nil {
			c.wrong("COOKIE_SECRET", "number %d: %v", i+1, err)
		}
	}
	if text != "" && len(c.Secrets) == 0 {
		c.wrong("COOKIE_SECRET", "there is nothing in it: use 32 bytes or more (openssl rand -base64 32)")
	}
}

func (c *compiler) cookieNames() {
	for _, named := range []struct{ name, value string }{{"COOKIE_SESSION", c.SessionCookie}, {"COOKIE_VISITOR", c.VisitorCookie}} {
		if err := cookie.CheckName(named.value, !c.Insecure); err != nil {
			c.wrong(named.name, "%v", err)
		}
	}
	if c.SessionCookie == c.VisitorCookie {
		c.wrong("COOKIE_VISITOR", "%q is the session cookie's name too: use another", c.VisitorCookie)
	}
}

// notBuilt refuses settings for features that this version does not have.
func (c *compiler) notBuilt(s *Settings) {
	if consent := c.value("CONSENT", s.Consent, "implied"); consent == "required" {
		c.wrong("CONSENT", "this version supports only implied: unset it")
	} else if consent != "implied" {
		c.wrong("CONSENT", "%q is unknown: use implied", consent)
	}
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// list splits text at commas.
func list(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// completeSecrets makes the secrets that may be unset in development, and stores
// them in DATA_DIR.
func (c *config) completeSecrets() error {
	if len(c.Secrets) > 0 && (c.adminToken != "" || !c.development) {
		return nil
	}
	if !c.development {
		return errors.New("COOKIE_SECRET: required in production: 32 bytes or more (openssl rand -base64 32), or set APP_ENV=development")
	}
	if err := os.MkdirAll(c.dataDir, 0o700); err != nil {
		return unusable(c.dataDir, err)
	}
	for _, s := range []struct {
		name string
		keep func(string)
		have bool
	}{
		{"cookie-secret", func(v string) { c.Secrets = []string{v} }, len(c.Secrets) > 0},
		{"admin-token", func(v string) { c.adminToken = v }, c.adminToken != ""},
	} {
		if s.have {
			continue
		}
		value, err := keptSecret(filepath.Join(c.dataDir, s.name))
		if err != nil {
			return err
		}
		s.keep(value)
	}
	return nil
}
