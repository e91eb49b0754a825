package mongoarchive

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

const defaultDatabase = "footfall"

// errResolve means that a mongodb+srv:// URI cannot be resolved now.
var errResolve = errors.New("the servers of MONGODB_URI cannot be looked up now")

// databaseOf returns the name of the database that a URI contains.
func databaseOf(uri string) (string, error) {
	_, rest, ok := strings.Cut(uri, "://")
	if !ok || !strings.HasPrefix(uri, "mongodb") {
		return "", invalid(uri, errors.New("it does not begin with mongodb:// or mongodb+srv://"))
	}
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	name, err := url.PathUnescape(path)
	if err != nil {
		return "", invalid(uri, errors.New("the database's name is not escaped correctly"))
	}
	if strings.ContainsAny(name, "/\\. \"$\x00") || len(name) > 63 {
		return "", invalid(uri, errors.New("the database's name has at most 63 bytes and none of / \\ . \" $ and blanks"))
	}
	return cmp.Or(name, defaultDatabase), nil
}

// invalid returns the error for a wrong URI. It is one line that contains nothing
// of the password, whatever the parser's error contains.
func invalid(uri string, err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return fmt.Errorf("%w: %s", errResolve, dns.Err)
	}
	reason := strings.Join(strings.Fields(err.Error()), " ")
	for _, secret := range secretsOf(uri) {
		if strings.Contains(reason, secret) {
			reason = "it cannot be read; percent-encode the user's name and the password"
			break
		}
	}
	return fmt.Errorf("MONGODB_URI is invalid: %s (like mongodb://user:password@host:27017/%s)", reason, defaultDatabase)
}

// secretsOf returns the parts of a URI that must not be shown.
func secretsOf(uri string) (pieces []string) {
	_, rest, _ := strings.Cut(uri, "://")
	at := strings.LastIndex(rest, "@")
	if at < 0 {
		return nil
	}
	_, password, _ := strings.Cut(rest[:at], ":")
	decoded, err := url.PathUnescape(password)
	if err != nil {
		decoded = password
	}
	for _, text := range []string{password, decoded} {
		if text != "" {
			pieces = append(pieces, text)
		}
		for _, piece := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("/:@?#%& ", r) }) {
			if len(piece) > 2 {
				pieces = append(pieces, piece)
			}
		}
	}
	return pieces
}
