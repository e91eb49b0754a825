package secret_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/footfall-go/footfall/internal/secret"
)

func TestAddress_WhatIsKnownToBeNoSecretIsShown(t *testing.T) {
	for text, want := range map[string]string{
		"":                                             "",
		"redis://127.0.0.1:6379":                       "redis://127.0.0.1:6379",
		"redis://h1:6379,h2:6380":                      "redis://h1:6379,h2:6380",
		"redis://s3cret@127.0.0.1:6379/2":              "redis://(hidden)@127.0.0.1:6379/2",
		"redis://user:s3cret@host":                     "redis://(hidden)@host",
		"redis://:s3cret/pw@host:6379/0":               "redis://(hidden)@host:6379/0",
		"redis://:s3cret@pw@host":                      "redis://(hidden)@host",
		"rediss://u:s3cret@[::1]:6380?ca=/etc/ca.pem":  "rediss://(hidden)@[::1]:6380?ca=/etc/ca.pem",
		"redis+sentinel://u:s3cret@h1:26379,h2/name/0": "redis+sentinel://(hidden)@h1:26379,h2/name/0",
		"mongodb://u:s3cret/pw@host:27017/footfall":    "mongodb://(hidden)@host:27017/footfall",
		"mongodb+srv://u:s3cret@cluster0.example.net/shop?retryWrites=true&w=majority":               "mongodb+srv://(hidden)@cluster0.example.net/shop?retryWrites=true&w=majority",
		"mongodb://host/?tls=true&tlsCertificateKeyFile=/k.pem&tlsCertificateKeyFilePassword=s3cret": "mongodb://host/?tls=true&tlsCertificateKeyFile=/k.pem&tlsCertificateKeyFilePassword=(hidden)",
		"mongodb://host/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:s3cret": "mongodb://host/?authMechanism=MONGODB-AWS&authMechanismProperties=(hidden)",
		"mongodb://host/?tls=true;tlsCertificateKeyFilePassword=s3cret":                              "mongodb://host/?tls=true;tlsCertificateKeyFilePassword=(hidden)",
		"mongodb://host/?AWS_SESSION_TOKEN=s3cret":                                                   "mongodb://host/?AWS_SESSION_TOKEN=(hidden)",
		"mongodb://host/?s3cret=1&s3cret2":                                                           "mongodb://host/?(hidden)&(hidden)",
		"https://x.upstash.io":                                                                       "https://x.upstash.io",
		"https://x.upstash.io/s3cret?_token=s3cret":                                                  "https://x.upstash.io/(hidden)?(hidden)",
	} {
		if got := secret.Address(text); got != want {
			t.Errorf("of %q is shown %q, want %q", text, got, want)
		}
	}
}

func TestAddress_OfWhatCannotBeReadNothingIsShown(t *testing.T) {
	for _, text := range []string{
		"s3cret", "user:s3cret@host", "redis://user:s3cret-pw", "redis://:s3cret", "redis://u:s3cret?pw@host", "redis://u:s3cret#pw@host",
		"redis://u:s3cret pw@host", "mongodb://host/?tlsCertificateKeyFilePassword=s3cret@pw", "mongodb://u:pw@host/db?x=s3cret@pw", "redis://u:p@host:s3cret", "mongodb://u:p@host/s3cret!",
		"s3cret://host", "redis://host?ca=a#s3cret", "redis://[s3cret]:1", "redis://[::1]s3cret", "redis:s3cret", "redis://u:p@host:99999",
	} {
		if got := secret.Address(text); got != secret.Hidden {
			t.Errorf("of %q is shown %q: of an address that cannot be read nothing is shown", text, got)
		}
	}
}

func TestText_HidesTheSecretsOfTheAddressesInIt(t *testing.T) {
	for text, want := range map[string]string{
		"use redis://host:6379, rediss://, or redis+sentinel://host:26379/name": "use redis://host:6379, rediss://, or redis+sentinel://host:26379/name",
		`"redis://u:s3cret@host:1" is not an address`:                           `"redis://(hidden)@host:1" is not an address`,
		"https://u:s3cret@shop.example":                                         "https://(hidden)@shop.example",
		`"redis://u:s3cret pw@host" is no host`:                                 `"(hidden)" is no host`,
		"unexpected argument mongodb://u:s3cret":                                "unexpected argument (hidden)",
		"nothing to hide":                                                       "nothing to hide",
	} {
		if got := secret.Text(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestLeaks_FindsEachHiddenPartInAMessage(t *testing.T) {
	address := "mongodb://user:pa%2Fs3cret@host/db?tlsCertificateKeyFilePassword=k3y%20file"
	for message, want := range map[string]bool{
		`error parsing "pa/s3cret"`: true, "bad s3cret": true, "k3y file is wrong": true, "bad pa%2Fs3cret": true,
		"the host does not answer": false, "an option is invalid": false,
	} {
		if got := secret.Leaks(message, address); got != want {
			t.Errorf("Leaks(%q) = %v, want %v", message, got, want)
		}
	}
	if !secret.Leaks("invalid port: pw1", "redis://user:pw1") {
		t.Error("a message may repeat an address that cannot be read: nothing of that is shown")
	}
}

func FuzzAddress_ShowsNoPassword(f *testing.F) {
	f.Add("a/b")
	f.Add("?x=@y")
	f.Add("#;&=")
	f.Fuzz(func(t *testing.T, odd string) {
		for _, text := range []string{"redis://user:s3cret" + odd + "s3cret@host:6379/0", "mongodb://u:" + odd + "s3cret@host/db", "mongodb://host/?tlsCertificateKeyFilePassword=s3cret" + odd + "s3cret"} {
			if got := secret.Address(text); strings.Contains(got, "s3cret") && !strings.Contains(odd, "&") && !strings.Contains(odd, ";") {
				t.Errorf("of %q is shown %q", text, got)
			}
			_, _ = url.Parse(secret.Text(text))
		}
	})
}
