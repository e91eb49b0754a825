package enrich

import "strings"

// redacted replaces a secret.
const redacted = "redacted"

// RedactURL returns s, a URL or the path and query of one, without its secrets:
// the value of every parameter whose name looks like that of a secret becomes
// "redacted", and user names and passwords in front of a host are dropped. All
// other text stays byte for byte as it was; s need not be a valid URL.
//
// A name counts as that of a secret if one of its words does (token, code, key,
// auth, password, email, session, …; also in reset_token, accessToken and
// user[password]), or if it contains an unmistakable part (phpsessid,
// newpassword). Names are compared without case and percent-decoded. Parameters
// are searched for in the query, in the fragment, after a ";" in the path
// (;jsessionid=…), and in URLs that are themselves values of parameters,
// percent-encoded or not (next=%2Freset%3Ftoken%3D…).
//
// In doubt it hides: country_code is hidden because code is.
func RedactURL(s string) string {
	return redactParams(dropUserinfo(s))
}

// separator is a character of a URL that ends a name or a value, percent-encoded
// depth times.
type separator struct {
	c         byte // one of = & ? ; # /, or 0 at the end of the string
	at, width int
	depth     int
}

// nextSeparator finds the next of = & ? ; # in s from i on, plain or
// percent-encoded any number of times (%3D, %253D, …).
func nextSeparator(s string, i int) separator {
	for ; i < len(s); i++ {
		switch s[i] {
		case '=', '&', '?', ';', '#', '/':
			return separator{c: s[i], at: i, width: 1}
		case '%':
			j, depth := i+1, 1
			for strings.HasPrefix(s[j:], "25") {
				j += 2
				depth++
			}
			if j+2 > len(s) {
				continue
			}
			if c := unhex(s[j])<<4 | unhex(s[j+1]); ishex(s[j]) && ishex(s[j+1]) {
				switch c {
				case '=', '&', '?', ';', '#', '/':
					return separator{c: c, at: i, width: j + 2 - i, depth: depth}
				}
			}
		}
	}
	return separator{at: len(s)}
}

func redactParams(s string) string {
	var b strings.Builder
	kept := 0           // s[:kept] has been written to b
	name, depth := 0, 0 // where the current name began, -1: outside of a name; the depth of the separator before it
	inQuery := false    // after the first "?" or "#" that is not encoded
	for i := 0; ; {
		sep := nextSeparator(s, i)
		if sep.c == 0 {
			break
		}
		i = sep.at + sep.width
		switch {
		case sep.c == '/':
			if !inQuery {
				name = -1
			}
			continue
		case sep.c != '=':
			if sep.depth == 0 && (sep.c == '?' || sep.c == '#') {
				inQuery = true
			}
			name, depth = i, sep.depth
			continue
		case name < 0:
			continue
		}
		if !secretName(s[name:sep.at]) {
			name = -1 // up to the next separator, the rest is the value
			continue
		}
		// A value ends only at separators that are encoded at most as often as
		// its name was: password=a%26b is one value.
		end := valueEnd(s, i, min(depth, sep.depth), inQuery || name == 0)
		if end > i && s[i:end] != redacted {
			b.WriteString(s[kept:i])
			b.WriteString(redacted)
			kept = end
		}
		i, name = end, -1
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}

// valueEnd returns where a secret's value that begins at i ends. In a query or
// fragment only "&" (and "#") ends it, because passwords may contain ";" and "?".
// In a path it ends with the part of the path.
func valueEnd(s string, i, depth int, inQuery bool) int {
	for {
		sep := nextSeparator(s, i)
		if sep.c == 0 {
			return len(s)
		}
		if sep.depth <= depth {
			switch sep.c {
			case '&', '#':
				return sep.at
			case '?', ';', '/':
				if !inQuery {
					return sep.at
				}
			}
		}
		i = sep.at + sep.width
	}
}

// secretWords make a parameter a secret if they are a separate word of its name.
var secretWords = map[string]bool{
	"token": true, "reset": true, "card": true, "code": true, "key": true, "auth": true, "oauth": true, "pass": true, "pwd": true, "psw": true,
	"pin": true, "otp": true, "totp": true, "sid": true, "sig": true, "sign": true, "mail": true, "jwt": true,
	"nonce": true, "ticket": true, "bearer": true, "assertion": true, "hmac": true, "csrf": true, "xsrf": true,
	"phone": true, "tel": true, "ssn": true, "iban": true, "cvv": true, "cvc": true,
	"login": true, "username": true, "authcode": true, "resetcode": true, "accesskey": true, "privatekey": true,
	"verifycode": true, "cardnumber": true, "creditcard": true, "otpcode": true, "resetkey": true, "authkey": true,
	"cfid": true,
}

// secretParts make a parameter a secret wherever they occur in its name.
var secretParts = []string{
	"token", "passw", "passphrase", "secret", "email", "e-mail", "e_mail", "session", "sessid", "apikey",
	"authoriz", "authoris", "authentic", "credential", "signature", "saml",
}

var partsByFirst = func() (by [256][]string) {
	for _, p := range secretParts {
		by[p[0]] = append(by[p[0]], p)
	}
	return by
}()

// secretName reports whether the value of a parameter with this name must not be
// stored.
func secretName(name string) bool {
	if len(name) > 256 {
		// No shop uses such a long name. Only its beginning and its end are
		// examined, so that a long name cannot hide a secret and costs little.
		return secretName(name[:128]) || secretName(name[len(name)-128:])
	}
	for range 4 { // a%5Bb, a%255Bb, …
		if strings.IndexByte(name, '%') < 0 {
			break
		}
		name = unescape(name, false)
	}
	lower := strings.ToLower(name)
	for i := 0; i < len(lower); i++ {
		for _, part := range partsByFirst[lower[i]] {
			if strings.HasPrefix(lower[i:], part) {
				return true
			}
		}
	}
	// Words end at any character that is not a letter or digit, and between aB
	// and ABc.
	start := -1
	for i := 0; i <= len(name); i++ {
		if i < len(name) && isAlnum(name[i]) {
			if start < 0 {
				start = i
				continue
			}
			boundary := isUpper(name[i]) && (!isUpper(name[i-1]) || i+1 < len(name) && isLower(name[i+1]))
			if !boundary {
				continue
			}
			if secretWord(name[start:i]) {
				return true
			}
			start = i
			continue
		}
		if start >= 0 && secretWord(name[start:i]) {
			return true
		}
		start = -1
	}
	return secretWord(strings.Trim(lower, "_-.[]")) // oDDcAPS
}

func secretWord(w string) bool {
	w = strings.ToLower(w)
	if secretWords[w] {
		return true
	}
	w = strings.TrimSuffix(strings.TrimRight(w, "0123456789"), "s") // code2, codes
	return secretWords[w]
}

// dropUserinfo removes "user:password@" in front of every host in s.
func dropUserinfo(s string) string {
	if strings.IndexByte(s, '@') < 0 {
		return s
	}
	var b strings.Builder
	kept := 0                                      // s[:kept] has been written to b or left out
	stop := "/?#"                                  // the characters that end a host
	for i, from := 0, 0; ; from = max(i+1, kept) { // both only grow, so the time is linear in the length
		j := strings.Index(s[from:], "//")
		if j < 0 {
			break
		}
		i = from + j
		if strings.ContainsAny(s[from:i], "?#") {
			stop = "/?#&" // from here on URLs are values of parameters and end with them
		}
		// An authority follows a scheme or begins the string. A "//" anywhere
		// else is an empty part of a path.
		if i > 0 && s[i-1] != ':' {
			continue
		}
		host := i + 2
		end := len(s)
		if j := strings.IndexAny(s[host:], stop); j >= 0 {
			end = host + j
		}
		if at := strings.LastIndexByte(s[host:end], '@'); at >= 0 {
			b.WriteString(s[kept:host])
			kept = host + at + 1
		}
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}

// unescape decodes %XX, and + if plus is set. Invalid escapes are left unchanged.
func unescape(s string, plus bool) string {
	if strings.IndexByte(s, '%') < 0 && (!plus || strings.IndexByte(s, '+') < 0) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '%' && i+2 < len(s) && ishex(s[i+1]) && ishex(s[i+2]):
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		case s[i] == '+' && plus:
			b.WriteByte(' ')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlnum(c byte) bool { return isUpper(c) || isLower(c) || isDigit(c) }
func ishex(c byte) bool   { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
