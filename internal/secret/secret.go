package secret

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Hidden stands for what is not shown.
const Hidden = "(hidden)"

// Value shows that a secret is set, and nothing else about it.
func Value(text string) string {
	if text == "" {
		return ""
	}
	return Hidden
}

// Address returns what may be shown of an address.
func Address(text string) string {
	shown, _ := read(text)
	return shown
}

var scheme = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://`)

// Text returns a text with what must not be shown of the addresses in it replaced. An
// address ends at white space or a quote, but not before the last @ of the text.
func Text(text string) string {
	at := scheme.FindStringIndex(text)
	if at == nil {
		return text
	}
	end := len(text)
	after := max(at[1], strings.LastIndex(text, "@"))
	if i := strings.IndexAny(text[after:], " \t\r\n\"'`"); i >= 0 {
		end = after + i
	}
	address := strings.TrimRight(text[at[0]:end], ",.;:)")
	if at[0]+len(address) <= at[1] { // a scheme alone
		return text[:at[1]] + Text(text[at[1]:])
	}
	return text[:at[0]] + Address(address) + Text(text[at[0]+len(address):])
}

// Leaks reports whether a message about an address contains a part of it that must
// not be shown.
func Leaks(message, address string) bool {
	_, hidden := read(address)
	for _, part := range hidden {
		decoded, err := url.QueryUnescape(part)
		if err != nil {
			decoded = part
		}
		unescaped, err := url.PathUnescape(part)
		if err != nil {
			unescaped = part
		}
		for _, text := range []string{part, decoded, unescaped} {
			if text != "" && strings.Contains(message, text) {
				return true
			}
			for _, piece := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("/:@?#%&=,; ", r) }) {
				if len(piece) > 2 && strings.Contains(message, piece) {
					return true
				}
			}
		}
	}
	return false
}

// read returns what may be shown of an address, and the parts of it that may not.
func read(text string) (shown string, hidden []string) {
	if text == "" {
		return "", nil
	}
	kind, rest, ok := strings.Cut(text, "://")
	if !ok || !kinds[strings.ToLower(kind)] {
		return Hidden, []string{text}
	}
	doubt := func() (string, []string) { return Hidden, []string{rest} }
	user, place := "", rest
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		user, place = rest[:i], rest[i+1:]
	}
	if strings.ContainsAny(rest, "# \t\r\n\"'`\\") || strings.Contains(user, "?") {
		return doubt() // an @ after a ? may be part of an option's value
	}
	place, query, asked := strings.Cut(place, "?")
	hosts, path, deep := strings.Cut(place, "/")
	if _, err := url.PathUnescape(query); err != nil || !validHosts(hosts) || !plainPath.MatchString(path) {
		return doubt()
	}
	shown = kind + "://"
	if strings.Contains(rest, "@") {
		shown, hidden = shown+Hidden+"@", append(hidden, user)
		if _, password, ok := strings.Cut(user, ":"); ok {
			hidden = append(hidden, password)
		}
	}
	shown += hosts
	switch {
	case deep && path != "" && strings.HasPrefix(strings.ToLower(kind), "http"): // it may be a token in the wrong place
		shown, hidden = shown+"/"+Hidden, append(hidden, path)
	case deep:
		shown += "/" + path
	}
	if asked {
		options, secrets := readOptions(query)
		shown, hidden = shown+"?"+options, append(hidden, secrets...)
	}
	return shown, hidden
}

// kinds are the schemes of addresses that have the form which read knows.
var kinds = map[string]bool{
	"redis": true, "rediss": true, "valkey": true, "valkeys": true, "redis+sentinel": true, "rediss+sentinel": true,
	"mongodb": true, "mongodb+srv": true, "http": true, "https": true,
}

var (
	plainPath = regexp.MustCompile(`^[A-Za-z0-9_./-]*$`)
	hostName  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)
	socket    = regexp.MustCompile(`^%2[Ff][A-Za-z0-9_.%-]*\.sock$`)
)

// validHosts reports whether a text is a list of hosts, each with a port or without.
func validHosts(list string) bool {
	for host := range strings.SplitSeq(list, ",") {
		host = strings.TrimSpace(host)
		if socket.MatchString(host) {
			continue
		}
		var name, port string
		var ok bool
		if rest, bracket := strings.CutPrefix(host, "["); bracket {
			var closed bool
			if name, port, closed = strings.Cut(rest, "]"); !closed {
				return false
			}
			if addr, err := netip.ParseAddr(name); err != nil || !addr.Is6() {
				return false
			}
			if port, ok = strings.CutPrefix(port, ":"); !ok && port != "" {
				return false
			}
		} else if name, port, ok = strings.Cut(host, ":"); !hostName.MatchString(name) {
			return false
		}
		if n, err := strconv.Atoi(port); ok && (err != nil || n < 0 || n > 65535) {
			return false
		}
	}
	return true
}

// readOptions returns what may be shown of the options after ?, and what may not.
func readOptions(query string) (shown string, hidden []string) {
	separator := "&"
	if !strings.Contains(query, "&") && strings.Contains(query, ";") {
		separator = ";"
	}
	var all []string
	for option := range strings.SplitSeq(query, separator) {
		name, value, _ := strings.Cut(option, "=")
		switch lower := strings.ToLower(name); {
		case harmless[lower] && plainValue.MatchString(value):
			all = append(all, option)
		case harmless[lower] || guarded[lower]:
			all, hidden = append(all, name+"="+Hidden), append(hidden, value)
		case option != "":
			all, hidden = append(all, Hidden), append(hidden, option)
		}
	}
	return strings.Join(all, separator), hidden
}

var plainValue = regexp.MustCompile(`^[A-Za-z0-9_.,:/%+-]*$`)
