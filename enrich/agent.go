package enrich

import (
	"hash/maphash"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Agent describes the software that made a request.
type Agent struct {
	// Device is desktop, mobile, tablet, tv, bot or other.
	Device string
	// Browser is a product's name, the same for its mobile and desktop editions,
	// or Other if it is unknown. The set of names is bounded: a client's own text
	// never becomes a name.
	Browser string
	// OS is Windows, macOS, Linux, Android, iOS, ChromeOS, Windows Phone or
	// Other. Safari on an iPad poses as a Mac and cannot be told from one here.
	OS string
	// Bot is the reason why this is not a person, one of the Bot constants; ""
	// for a person.
	Bot string
}

// DefaultAgents is how many agents [NewAgents] remembers by default: the number a
// large shop sees in a day, in about 2 MiB.
const DefaultAgents = 4096

// The names of unusual agents are looked up in a large table, at about a
// millisecond of CPU each. This budget limits how much of it a client that
// invents agents can use.
const (
	namesPerSecond = 50
	namesBurst     = 200
)

// Agents recognizes agents from headers and keeps the results in a bounded cache.
// It is safe for concurrent use. Make one with [NewAgents]; a process needs only
// one.
//
// Recognizing an agent that is not in the cache takes microseconds, whatever its
// text, with one exception: agents that look like a browser but that the ordered
// tokens cannot name are looked up in uap-go's tables. That takes about a
// millisecond, and the first such agent of a process loads the tables (see
// [Agents.Warm]). These look-ups have a budget. When it is used up, only the
// tokens are used, the result is not cached and [Agents.OverBudget] grows.
type Agents struct {
	seed   maphash.Seed
	shards [16]shard
	names  budget
	over   atomic.Uint64
	rules  *Rules
	shadow []*Shadow
}

// agentKey holds everything that a result depends on.
type agentKey struct {
	ua string
	hints
}

// shard holds two generations of results. A result that is used moves to the
// young one; when that is full, the old one is dropped.
type shard struct {
	mu         sync.RWMutex
	limit      int
	young, old map[agentKey]found
}

// A found is a result.
type found struct {
	Agent
	text   string  // the user agent as it is stored
	shadow *Shadow // the rule that would make this a bot if it were enforced
}

// NewAgents returns Agents that remember at most entries results. Default, if
// entries is not positive: [DefaultAgents]. own are patterns of agents that are no
// software but the shop's own apps: see [CheckAgentPattern].
func NewAgents(entries int, own ...string) *Agents {
	return DefaultRules().WithOwn(own...).Agents(entries)
}

// Agents returns Agents that recognize by these rules and remember at most entries
// results. Default, if entries is not positive: [DefaultAgents].
func (r *Rules) Agents(entries int) *Agents {
	if entries <= 0 {
		entries = DefaultAgents
	}
	a := &Agents{seed: maphash.MakeSeed(), rules: r, shadow: r.newShadows()}
	for i := range a.shards {
		a.shards[i].limit = max(1, entries/2/len(a.shards))
	}
	return a
}

// Lookup returns which software made the request with these headers, from its
// User-Agent and, where they correct it, its Client Hints (Sec-CH-UA, -Mobile,
// -Platform, -Form-Factors). Only the first MaxUserAgent bytes of the User-Agent
// are used. Names in h must be canonical, as in every request's header.
func (a *Agents) Lookup(h http.Header) Agent {
	agent, _ := a.LookupText(h)
	return agent
}

// LookupText is Lookup, and returns also the user agent as [Text] shortens it to
// [MaxUserAgent]. Requests with one agent share that string, which is no part of theirs.
func (a *Agents) LookupText(h http.Header) (agent Agent, userAgent string) {
	f := a.look(h)
	return f.Agent, f.text
}

func (a *Agents) look(h http.Header) found {
	key := agentKey{
		ua: first(h["User-Agent"], MaxUserAgent),
		hints: hints{
			brands:      first(h["Sec-Ch-Ua"], MaxHint),
			mobile:      first(h["Sec-Ch-Ua-Mobile"], 8),
			platform:    first(h["Sec-Ch-Ua-Platform"], 64),
			formFactors: first(h["Sec-Ch-Ua-Form-Factors"], MaxHint),
		},
	}
	s := &a.shards[maphash.String(a.seed, key.ua)%uint64(len(a.shards))]
	if f, ok := s.get(key); ok {
		return f
	}
	key = key.clone() // what is returned may live longer than the request
	f := found{text: Text(key.ua, MaxUserAgent)}
	var sure bool
	f.Agent, sure = a.parse(key)
	if f.Bot == "" {
		f.shadow = a.shadowOf(f.text)
	}
	if sure {
		s.put(key, f)
	}
	return f
}

// Thorough removes the budget: every unusual agent is looked up in the large tables. It is
// for programs that read a list of agents, not for those that answer requests. Call it
// before the first look-up.
func (a *Agents) Thorough() *Agents {
	a.names.unlimited = true
	return a
}

// OverBudget returns how many look-ups used only the tokens because there were
// too many unusual agents at once.
func (a *Agents) OverBudget() uint64 { return a.over.Load() }

// Warm loads all tables, so that no request has to: about 60 ms and 5 MiB.
// Calling it is optional; a program may do so in a goroutine at its start.
func (a *Agents) Warm() {
	browserTable()
	botTable()
	uapTables()
}

// parse recognizes an agent without the cache. sure reports whether the result
// may be cached.
func (a *Agents) parse(key agentKey) (agent Agent, sure bool) {
	ua := Text(key.ua, MaxUserAgent)
	agent = classify(ua)
	own := a.rules.own.match(ua)
	switch {
	case own:
	case a.rules.bots.match(ua):
		agent.Bot = BotRule
	default:
		agent.Bot = botReason(ua)
	}
	if !own && agent.Bot == "" && implausible(ua, agent) {
		agent.Bot = BotImplausible
	}
	sure = true
	if agent.Bot == "" && (agent.Browser == Other || agent.OS == Other) {
		if sure = a.names.take(time.Now()); sure {
			agent = uapNames(ua, agent)
		} else {
			a.over.Add(1)
		}
	}
	agent = key.hints.apply(agent)
	if own && (agent.OS == "Android" || agent.OS == "iOS") && !has(ua, "ablet", "iPad", " Pad") {
		agent.Device = "mobile" // an app does not say Mobile, as browsers do on a phone
	}
	if agent.Bot != "" {
		agent.Device = "bot"
	}
	return agent, sure
}

// first returns the beginning of a header's first line.
func first(lines []string, max int) string {
	if len(lines) == 0 {
		return ""
	}
	return cut(lines[0], max)
}

// clone copies the key's strings, so that they do not keep the request's memory.
func (k agentKey) clone() agentKey {
	k.ua = strings.Clone(k.ua)
	k.brands = strings.Clone(k.brands)
	k.mobile = strings.Clone(k.mobile)
	k.platform = strings.Clone(k.platform)
	k.formFactors = strings.Clone(k.formFactors)
	return k
}

func (s *shard) get(key agentKey) (found, bool) {
	s.mu.RLock()
	f, ok := s.young[key]
	inOld := false
	if !ok {
		f, inOld = s.old[key]
	}
	s.mu.RUnlock()
	if inOld {
		s.put(key.clone(), f)
	}
	return f, ok || inOld
}

func (s *shard) put(key agentKey, f found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.young) >= s.limit || s.young == nil {
		if s.young != nil {
			s.old = s.young
		}
		s.young = make(map[agentKey]found)
	}
	delete(s.old, key)
	s.young[key] = f
}

// budget is a token bucket: namesBurst at once, and namesPerSecond in the long
// run.
type budget struct {
	unlimited bool

	mu     sync.Mutex
	spent  float64
	before time.Time
}

func (b *budget) take(now time.Time) bool {
	if b.unlimited {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := now.Sub(b.before).Seconds(); d > 0 {
		b.spent = max(0, b.spent-d*namesPerSecond)
		b.before = now
	}
	if b.spent+1 > namesBurst {
		return false
	}
	b.spent++
	return true
}
