package enrich

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
)

// The reasons why an agent is not a person.
const (
	// BotCrawler identifies itself: search engines, previews, monitors, archives.
	BotCrawler = "crawler"
	// BotTool is a program or HTTP library and not a browser: curl, axios, …
	BotTool = "tool"
	// BotHeadless is a browser without a screen.
	BotHeadless = "headless"
	// BotNoAgent sent no User-Agent.
	BotNoAgent = "no_agent"
	// BotRule is what a rule of the operator's calls one.
	BotRule = "rule"
	// BotImplausible sent a User-Agent that no browser sends.
	BotImplausible = "implausible"
)

// The patterns of isbot, see data/NOTICE. They are JavaScript's and look for
// lower-case text. The file is kept as it was published.
//
//go:embed data/isbot.json
var isbotJSON []byte

//go:embed data/tools.txt
var toolsTxt string

//go:embed data/crawlers.txt
var crawlersTxt string

var headlessTokens = []string{"headless", "phantomjs", "puppeteer", "playwright", "selenium", "webdriver", "cypress/", "jsdom", "slimerjs", "zombie.js", "htmlunit"}

// botReason returns why a user agent is not a person's, or "" if it may be one's.
func botReason(ua string) string {
	if strings.TrimSpace(ua) == "" {
		return BotNoAgent
	}
	t := botTable()
	lower := strings.ToLower(ua)
	for _, token := range headlessTokens {
		if strings.Contains(lower, token) {
			return BotHeadless
		}
	}
	if t.tool(lower) {
		return BotTool
	}
	for _, name := range t.crawlers {
		if strings.Contains(lower, name) {
			return BotCrawler
		}
	}
	lower = withoutProducts(lower)
	if _, ok := match(t.declared, lower); ok {
		return BotCrawler
	}
	if _, ok := match(t.shapes, lower); ok && !isTV(ua) {
		return BotImplausible
	}
	return ""
}

// withoutProducts removes from a user agent, in lower case, the names of devices and
// browsers in which the patterns would find a crawler's.
func withoutProducts(lower string) string {
	// The model of an Android device: "; android 13; spider 8)". A crawler that poses as
	// one names itself behind it, or gives an address.
	if i := strings.Index(lower, "; android "); i >= 0 {
		start := i + len("; android ")
		end := strings.IndexByte(lower[start:], ')')
		if end > 0 && !has(lower[start:start+end], "compatible", "http", "+", "bot/", "-google", "@") {
			lower = lower[:start] + lower[start+end:]
		}
	}
	if has(lower, "google tv", ".catcher") {
		lower = products.Replace(lower)
	}
	return lower
}

// products are televisions of Google's, and a build of Opera on televisions.
var products = strings.NewReplacer("google tv", "", ".catcher", "")

// implausible reports whether a user agent that no rule named cannot be a
// browser's: browsers and older telephones all send one of these.
func implausible(ua string, a Agent) bool {
	if has(ua, "AppleWebKit", "Gecko", "KHTML", "applewebkit") || strings.HasPrefix(ua, "Mozilla/") && strings.Contains(ua, "(") {
		return false
	}
	return strings.Contains(ua, " Darwin/") || a.Browser == Other && a.OS == Other && a.Device == "other"
}

// rule is one pattern of the list, in the cheapest equivalent form.
type rule struct {
	pattern string
	test    func(lower string) bool
}

func match(rules []rule, lower string) (string, bool) {
	for _, r := range rules {
		if r.test(lower) {
			return r.pattern, true
		}
	}
	return "", false
}

type bots struct {
	declared []rule // patterns of a name or a word
	shapes   []rule // patterns of an unusual form
	starts   map[string]bool
	anywhere []string
	crawlers []string
	shadows  []string // rules that are not enforced yet
	skipped  []string // patterns that Go cannot run; a test checks that there are none
}

var botTable = sync.OnceValue(func() *bots {
	t := &bots{starts: map[string]bool{}}
	for line := range lines(toolsTxt) {
		if name, ok := strings.CutPrefix(line, "*"); ok {
			t.anywhere = append(t.anywhere, name)
		} else {
			t.starts[line] = true
		}
	}
	for line := range lines(crawlersTxt) {
		if pattern, ok := strings.CutPrefix(line, "shadow "); ok {
			t.shadows = append(t.shadows, pattern)
		} else {
			t.crawlers = append(t.crawlers, line)
		}
	}
	var patterns []string
	if err := json.Unmarshal(isbotJSON, &patterns); err != nil {
		panic("enrich: data/isbot.json: " + err.Error()) // the file is embedded, so tests find this
	}
	for _, p := range patterns {
		test, ok := compile(p)
		switch {
		case !ok:
			t.skipped = append(t.skipped, p)
		case isShape(p):
			t.shapes = append(t.shapes, rule{p, test})
		default:
			t.declared = append(t.declared, rule{p, test})
		}
	}
	return t
})

// tool reports whether a user agent begins with a tool's name, or contains one
// that cannot be part of a browser's.
func (t *bots) tool(lower string) bool {
	end := 0
	for end < len(lower) && (isAlnum(lower[end]) || strings.IndexByte("-_.:", lower[end]) >= 0) {
		end++
	}
	for word := lower[:end]; word != ""; {
		if t.starts[word] {
			return true
		}
		i := strings.LastIndexAny(word, "-_.:")
		word = word[:max(i, 0)]
	}
	for _, name := range t.anywhere {
		if strings.Contains(lower, name) {
			return true
		}
	}
	return false
}

// isShape distinguishes patterns of form (repetition, anchored classes) from
// names.
func isShape(p string) bool {
	for _, s := range []string{`\w`, `[^ ]`, `^[`, `\(\)`, `\|`, `^\d`} {
		if strings.Contains(p, s) {
			return p != `@[a-z][\w-]+\.` && p != `^\w*search\b` // an address to write to, and a name
		}
	}
	return false
}

// compile turns a pattern into a test. Plain text is searched for as such, which
// is many times faster than a regular expression. Look-arounds, which Go's
// expressions do not have, become functions.
func compile(p string) (func(string) bool, bool) {
	if f := lookarounds[p]; f != nil {
		return f, true
	}
	text, anchored := strings.CutPrefix(p, "^")
	if lit, ok := literal(text); ok {
		if anchored {
			return func(s string) bool { return strings.HasPrefix(s, lit) }, true
		}
		return func(s string) bool { return strings.Contains(s, lit) }, true
	}
	// JavaScript reads [\d-.] as a digit, a hyphen or a dot; Go refuses it.
	re, err := regexp.Compile(strings.ReplaceAll(p, `\d-.]`, `\d\-.]`))
	if err != nil {
		return nil, false
	}
	if need := required[p]; need != "" {
		return func(s string) bool { return strings.Contains(s, need) && re.MatchString(s) }, true
	}
	if strings.HasSuffix(p, ";$") {
		return func(s string) bool { return strings.HasSuffix(s, ";") && re.MatchString(s) }, true
	}
	return re.MatchString, true
}

// required returns text without which a pattern cannot match. Go's expressions
// search for such text quickly by themselves, unless the pattern begins with
// something else.
var required = map[string]string{
	`\b\w+/1\.0;`: "/1.0;", `^\w*search\b`: "search", `\bbw/`: "bw/", `\bdlc\b`: "dlc", `\bort/`: "ort/", `\bperl\b`: "perl",
	`\btime/`: "time/",
}

// literal returns the text that a pattern without operators stands for.
func literal(p string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c == '\\' && i+1 < len(p) && !isAlnum(p[i+1]) {
			i++
			b.WriteByte(p[i])
			continue
		}
		if strings.IndexByte(`\^$.|?*+()[]{}`, c) >= 0 {
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), true
}

var lookarounds = map[string]func(string) bool{
	`(?:^|[^g])news(?!sapphire)`: around("news", func(before, after string) bool {
		return !strings.HasSuffix(before, "g") && !strings.HasPrefix(after, "sapphire")
	}),
	`(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))`: around("google", func(before, after string) bool {
		return !strings.HasSuffix(before, " channel/") && !strings.HasSuffix(before, "google/") &&
			!strings.HasPrefix(after, "wv") && !strings.HasPrefix(after, "app") &&
			!strings.HasPrefix(after, "/google") && !strings.HasPrefix(after, " pixel")
	}),
	`(?<! cu)bots?(?:\b|_)`: around("bot", func(before, after string) bool {
		if strings.HasSuffix(before, " cu") {
			return false // Cubot is a maker of telephones
		}
		return wordEnd(after) || strings.HasPrefix(after, "s") && wordEnd(after[1:])
	}),
	`(?<!cam)scan`: around("scan", func(before, _ string) bool { return !strings.HasSuffix(before, "cam") }),
	`(?<!lib)http`: around("http", func(before, _ string) bool { return !strings.HasSuffix(before, "lib") }),
	`java(?!;)`:    around("java", func(_, after string) bool { return !strings.HasPrefix(after, ";") }),
}

// around checks the characters before and after each occurrence of text.
func around(text string, ok func(before, after string) bool) func(string) bool {
	return func(s string) bool {
		for from := 0; ; {
			i := strings.Index(s[from:], text)
			if i < 0 {
				return false
			}
			from += i + len(text)
			if ok(s[:from-len(text)], s[from:]) {
				return true
			}
		}
	}
}

func wordEnd(after string) bool { return after == "" || !isAlnum(after[0]) }
