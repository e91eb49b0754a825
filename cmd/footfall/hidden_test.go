package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// ran runs the command and returns everything that it printed.
func ran(args ...string) string {
	var out, errs bytes.Buffer
	run(args, terminal{&out, &errs})
	return out.String() + errs.String()
}

func TestSecretsInAddressesAreShownNowhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, flag := range []string{
		"--redis-url=redis://user:s3cret/pw@127.0.0.1:1/0", "--redis-url=redis://user:s3cret-pw", "--redis-url=redis://:s3cret?pw@127.0.0.1:1",
		"--redis-url=redis://u:s3cret#pw@127.0.0.1:1", "--redis-url=s3cret://host", "--redis-url=user:s3cret@host", "--redis-url=redis://u:p@127.0.0.1:s3cret",
		"--mongodb-uri=mongodb://user:s3cret/pw@127.0.0.1:1/footfall", "--mongodb-uri=mongodb://user:s3cret", "--mongodb-uri=mongodb://u:p@127.0.0.1:s3cret/db",
		"--mongodb-uri=mongodb://127.0.0.1:1/?tls=true&tlsCertificateKeyFile=/no/file&tlsCertificateKeyFilePassword=s3cret",
		"--mongodb-uri=mongodb://u:p@127.0.0.1:1/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:s3cret", "--mongodb-uri=mongodb://127.0.0.1:1/?AWS_SESSION_TOKEN=s3cret",
		"--mongodb-uri=mongodb://127.0.0.1:1/?w=s3cret%zz",
		"--allowed-origins=https://user:s3cret@shop.example", "--own-hosts=https://user:s3cret@shop.example", "--addr=redis://user:s3cret@host", "--trusted-proxies=redis://user:s3cret@host",
		"--redis-prefix=redis://user:s3cret@host:1/ x", "--timezone=mongodb://user:s3cret@host", "--cookie-secret-file=s3cret-of-the-shop", "--upstash-redis-rest-url=https://user:s3cret@host", "redis://user:s3cret@host",
	} {
		for _, args := range [][]string{{"config"}, {"config", "--json"}, {"doctor"}, {"stats"}} {
			if args[0] != "config" && strings.Contains(flag, "mongodb") && strings.Contains(flag, ":1/") {
				continue // it waits for a server
			}
			args = append(args, "--data-dir="+dir, flag)
			if text := ran(args...); strings.Contains(text, "s3cret") {
				t.Errorf("footfall %s prints a secret:\n%s", strings.Join(args, " "), text)
			}
		}
	}
}

func TestSecretsInAddressesAreNotInTheLogOfAStart(t *testing.T) {
	for _, address := range []string{"redis://user:s3cret/pw@127.0.0.1:1/0", "redis://user:s3cret"} {
		c := config{shared: sharedStores{redisURL: address}}
		if name := c.hotName(); strings.Contains(name, "s3cret") {
			t.Errorf("the log of a start names the hot store %s: a secret", name)
		}
	}
}

func TestConfig_ShowsWhatIsNoSecret(t *testing.T) {
	text := ran("config", "--redis-url=redis://user:s3cret/pw@127.0.0.1:6379/2", "--mongodb-uri=mongodb://u:p@h1,h2/shop?replicaSet=rs0&tlsCertificateKeyFilePassword=s3cret")
	for _, want := range []string{"redis://(hidden)@127.0.0.1:6379/2", "mongodb://(hidden)@h1,h2/shop?replicaSet=rs0&tlsCertificateKeyFilePassword=(hidden)"} {
		if !strings.Contains(text, want) {
			t.Errorf("config does not show %s: what is no secret helps to find a mistake\n%s", want, text)
		}
	}
}
