package enrich

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// Rules are the built-in lists of sites and bots, with those of an operator, which win.
// They are immutable and safe for concurrent use.
type Rules struct {
	sites     *Sites
	own, bots agentPatterns
	shadows   []string
}

// DefaultRules returns the built-in rules.
var DefaultRules = sync.OnceValue(func() *Rules {
	return &Rules{sites: DefaultSites(), shadows: botTable().shadows}
})

// The kinds of lines beside those of sites.
const (
	ruleBot    = "bot"
	ruleShadow = "shadow"
	ruleOwn    = "own"
)

// What is read of an operator's file, and how many shadow rules it may have: each has a
// counter of its own.
const (
	maxRulesFile = 1 << 20
	maxShadows   = 64
	maxRule      = 4 << 10 // bytes of a line
)

// ReadRules returns the built-in rules with those of an operator's file. Each line has a
// kind and what it is for; what follows a # at the beginning or behind a space is a
// comment. An error names each line that is wrong.
//
//	social   forum.example forum    # a site: its hosts, and the names it has in utm_source
//	none     google.de              # a site of no kind: Referral
//	bot      ShopWatch              # software, whatever it says that it is
//	shadow   PriceBot*compatible    # would be software: counted, and taken for a person
//	own      MyShop/                # the shop's own app: a person, whatever its HTTP library
//
// The kinds of sites are search, social, video, shopping, ai, provider (payment and
// sign-in: never a referrer) and none. Hosts stand for their subdomains; google.* is
// google under any public suffix. bot, shadow and own have one pattern to a line, as
// [CheckAgentPattern] explains it. own wins over bot, and both win over what is built in.
func ReadRules(r io.Reader) (*Rules, error) {
	file, err := io.ReadAll(io.LimitReader(r, maxRulesFile+1))
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if len(file) > maxRulesFile {
		return nil, fmt.Errorf("rules: the file has more than %d bytes", maxRulesFile)
	}
	return DefaultRules().with(string(file))
}

// with returns a copy with the rules of a file added.
func (r *Rules) with(file string) (*Rules, error) {
	c := *r
	c.sites = r.sites.copy()
	var wrong []string
	var own, bots []string
	n := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(file, "\ufeff"), "\n") {
		n++
		kind, rest := ruleOf(line)
		var err error
		switch {
		case kind == "":
			continue
		case rest == "":
			err = fmt.Errorf("nothing follows %q", kind)
		case kind == ruleOwn:
			err = CheckAgentPattern(rest)
			own = append(own, rest)
		case kind == ruleBot:
			err = CheckBotPattern(rest)
			bots = append(bots, rest)
		case kind == ruleShadow:
			if err = checkLength(rest); err == nil && len(c.shadows) >= len(r.shadows)+maxShadows {
				err = fmt.Errorf("there are more than %d shadow rules", maxShadows)
			}
			if !slices.Contains(c.shadows, rest) {
				c.shadows = append(c.shadows[:len(c.shadows):len(c.shadows)], rest)
			}
		case !c.sites.add(kind, strings.Fields(strings.ToLower(rest))):
			err = fmt.Errorf("unknown kind %q: use search, social, video, shopping, ai, provider, none, bot, shadow or own", Text(kind, 32))
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("line %d: %v", n, err))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("rules: %s", strings.Join(wrong[:min(len(wrong), 8)], "; "))
	}
	c.own = append(r.own[:len(r.own):len(r.own)], newAgentPatterns(own)...)
	c.bots = append(r.bots[:len(r.bots):len(r.bots)], newAgentPatterns(bots)...)
	return &c, nil
}

// ruleOf returns a line's first word, in lower case, and the rest of it without a comment.
func ruleOf(line string) (kind, rest string) {
	line, _, _ = strings.Cut(Text(strings.ReplaceAll(line, "\t", " "), maxRule), " #")
	if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
		return "", ""
	}
	kind, rest, _ = strings.Cut(line, " ")
	return strings.ToLower(kind), strings.TrimSpace(rest)
}

// Sites are the rules' sites.
func (r *Rules) Sites() *Sites { return r.sites }

// WithOwn returns a copy that has further patterns of the shop's own apps.
func (r *Rules) WithOwn(patterns ...string) *Rules {
	if len(patterns) == 0 {
		return r
	}
	c := *r
	c.own = append(r.own[:len(r.own):len(r.own)], newAgentPatterns(patterns)...)
	return &c
}
