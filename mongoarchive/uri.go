package mongoarchive

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/footfall-go/footfall/internal/secret"
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
// of a password or another secret, whatever the parser's error contains.
func invalid(uri string, err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return fmt.Errorf("%w: %s", errResolve, dns.Err)
	}
	reason := strings.Join(strings.Fields(err.Error()), " ")
	if secret.Leaks(reason, uri) {
		reason = "it cannot be read; percent-encode the user's name and the password"
	}
	return fmt.Errorf("MONGODB_URI is invalid: %s (like mongodb://user:password@host:27017/%s)", reason, defaultDatabase)
}
