package enrich

import (
	"fmt"
	"strings"
)

// ownAgents are the patterns of the agents of a shop's own apps, in lower case, each
// divided at its stars.
type ownAgents [][]string

func newOwnAgents(patterns []string) (own ownAgents) {
	for _, p := range patterns {
		own = append(own, strings.Split(strings.ToLower(strings.TrimSpace(p)), "*"))
	}
	return own
}

// match reports whether a user agent is one of the shop's own.
func (own ownAgents) match(ua string) bool {
	if len(own) == 0 {
		return false
	}
	ua = strings.ToLower(ua)
	for _, parts := range own {
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
	if letters := strings.NewReplacer("*", "", " ", "").Replace(pattern); len(letters) < minPattern {
		return fmt.Errorf("%q is too short: use %d letters or more, like MyShop/", pattern, minPattern)
	}
	const browser, crawler = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/125.0.0.0 Safari/537.36"
	if own := newOwnAgents([]string{pattern}); own.match(browser) || own.match(crawler) {
		return fmt.Errorf("%q is a part of browsers' and crawlers' User-Agents too: use the name of the app, like MyShop/", pattern)
	}
	return nil
}
