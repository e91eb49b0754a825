package upstashstore

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// parseAddress checks a REST URL. Its errors do not repeat the URL, which may be
// a token that was put in the wrong place.
func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the address is not the URL of a REST API, which looks like https://NAME.upstash.io")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address has a user, a query or a fragment: give the URL alone, and the token separately")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("plain http would send the token unencrypted to %s: use https", u.Hostname())
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// checkToken refuses what cannot be a token, such as one that still has the
// quotes of a settings file around it.
func checkToken(token string) error {
	if token == "" {
		return errors.New("there is no token: set the REST token of this database")
	}
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' || c == '"' || c == '\'' {
			return errors.New("the token has a space, a quote or another character that no token has: copy it again, without quotes")
		}
	}
	return nil
}
