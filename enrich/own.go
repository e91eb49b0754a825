package enrich

import (
	"fmt"
	"strings"
)

// agentPatterns are patterns of agents, in lower case, each divided at its stars.
type agentPatterns [][]string

func newAgentPatterns(patterns []string) (all agentPatterns) {
	for _, p := range patterns {
		all = append(all, strings.Split(strings.ToLower(strings.TrimSpace(p)), "*"))
	}
	return all
}

// match reports whether a user agent is one of those.
func (all agentPatterns) match(ua string) bool {
	if len(all) == 0 {
		return false
	}
	ua = strings.ToLower(ua)
	for _, parts := range all {
		if containsAll(ua, parts) {
			return true
		}
	}
	return false
}

// containsAll reports whether a text contains all parts, one behind the other.
func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}

// minPattern is how many bytes a pattern has beside stars and spaces.
const minPattern = 3

// CheckAgentPattern says what is wrong with a pattern of the shop's own agents. A
// pattern matches anywhere in a User-Agent, whatever the case; * stands for any text.
func CheckAgentPattern(pattern string) error {
	if err := checkLength(pattern); err != nil {
		return err
	}
	own := newAgentPatterns([]string{pattern})
	for _, other := range &others {
		if own.match(other) {
			return fmt.Errorf("%q is a part of browsers' and crawlers' User-Agents too: use the name of the app, like MyShop/", pattern)
		}
	}
	return nil
}

// CheckBotPattern says what is wrong with a pattern of software's agents, which has the
// form that [CheckAgentPattern] explains.
func CheckBotPattern(pattern string) error {
	if err := checkLength(pattern); err != nil {
		return err
	}
	bots := newAgentPatterns([]string{pattern})
	for _, person := range others[:browsers] {
		if bots.match(person) {
			return fmt.Errorf("%q is a part of browsers' User-Agents too: use the name of the program", pattern)
		}
	}
	return nil
}

func checkLength(pattern string) error {
	if letters := strings.NewReplacer("*", "", " ", "").Replace(pattern); len(letters) < minPattern {
		return fmt.Errorf("%q is too short: use %d letters or more, like MyShop/", pattern, minPattern)
	}
	return nil
}

// browsers is how many of others are browsers; they stand first.
const browsers = 6

// others are User-Agents that are no shop's app.
var others = [...]string{
	"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/125.0.0.0 Safari/537.36",
	"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
	"Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/138.0.0.0 Safari/537.36",
}
