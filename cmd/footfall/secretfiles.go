package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/footfall-go/footfall/internal/oserror"
)

// SecretFiles are the settings that name a file in which another setting is, and the
// directory in which systemd puts a service's credentials.
type SecretFiles struct {
	CookieSecretFile string `group:"Settings:" env:"COOKIE_SECRET_FILE" placeholder:"FILE" help:"File with COOKIE_SECRET (default: none)."`
	AdminTokenFile   string `group:"Settings:" env:"ADMIN_TOKEN_FILE" placeholder:"FILE" help:"File with ADMIN_TOKEN (default: none)."`
	RedisURLFile     string `group:"Settings:" env:"REDIS_URL_FILE" placeholder:"FILE" help:"File with REDIS_URL (default: none)."`
	MongoDBURIFile   string `group:"Settings:" name:"mongodb-uri-file" env:"MONGODB_URI_FILE" placeholder:"FILE" help:"File with MONGODB_URI (default: none)."`
	UpstashTokenFile string `group:"Settings:" name:"upstash-redis-rest-token-file" env:"UPSTASH_REDIS_REST_TOKEN_FILE" placeholder:"FILE" help:"File with UPSTASH_REDIS_REST_TOKEN (default: none)."`
	Credentials      string `hidden:"" name:"credentials-directory" env:"CREDENTIALS_DIRECTORY"`
}

// readSecrets returns the settings with the secrets that files hold. A setting that is
// set, itself or by its _FILE, is not looked for among systemd's credentials.
func (c *compiler) readSecrets(s *Settings) *Settings {
	whole := *s
	for _, secret := range []struct {
		name string
		text *string
		file string
	}{
		{"COOKIE_SECRET", &whole.CookieSecret, s.CookieSecretFile},
		{"ADMIN_TOKEN", &whole.AdminToken, s.AdminTokenFile},
		{"REDIS_URL", &whole.RedisURL, s.RedisURLFile},
		{"MONGODB_URI", &whole.MongoDBURI, s.MongoDBURIFile},
		{"UPSTASH_REDIS_REST_TOKEN", &whole.UpstashToken, s.UpstashTokenFile},
	} {
		c.value(secret.name+"_FILE", secret.file, "")
		switch {
		case secret.file != "" && *secret.text != "":
			c.wrong(secret.name+"_FILE", "%s is set too: unset one of them", secret.name)
		case secret.file != "":
			text, err := readSecret(secret.file)
			if err != nil {
				c.wrong(secret.name+"_FILE", "%v: put %s into a file that this user can read, and name that", says(secret.file, err), secret.name)
			}
			*secret.text = text
		case *secret.text == "" && s.Credentials != "":
			text, err := readSecret(filepath.Join(s.Credentials, secret.name))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				c.wrong(secret.name, "%v: correct the unit's LoadCredential=%s", says(s.Credentials, err), secret.name)
			}
			*secret.text = text
		}
	}
	return &whole
}

// says returns what is wrong with a file, without a remedy.
func says(file string, err error) string {
	var p *oserror.Problem
	if _, ofFile := oserror.Path(err); ofFile && errors.As(oserror.File(file, err), &p) {
		return p.Says
	}
	return err.Error()
}

const maxSecretFile = 64 << 10 // bytes

// withoutName returns an error about a file without the name of the file, unless that is
// an absolute path: what is set in place of a name may be the secret itself.
func withoutName(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) && !filepath.IsAbs(of.Path) {
		return of.Err
	}
	return err
}

// readSecret reads a secret from a file, without the newline at its end.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", withoutName(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", withoutName(err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	switch {
	case text == "":
		return "", fmt.Errorf("%s is empty", path)
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxSecretFile)
	case strings.ContainsAny(text, "\r\n\x00"):
		return "", fmt.Errorf("%s has more than one line", path)
	}
	return text, nil
}
