package enrich

import (
	"strings"
	"testing"
)

func TestRedactURL(t *testing.T) {
	for _, tt := range []struct{ rule, in, want string }{
		{"a secret's value", "/reset?token=abc", "/reset?token=redacted"},
		{"only the secret's", "/a?x=1&token=abc&y=2#z", "/a?x=1&token=redacted&y=2#z"},
		{"every one", "/a?code=1&email=a%40b.c&password=p", "/a?code=redacted&email=redacted&password=redacted"},
		{"whatever the case", "/a?TOKEN=1&Password=2", "/a?TOKEN=redacted&Password=redacted"},
		{"a word of the name", "/a?reset_token=1&api-key=2&user[password]=3&x.code=4", "/a?reset_token=redacted&api-key=redacted&user[password]=redacted&x.code=redacted"},
		{"a camel's hump", "/a?accessToken=1&apiKey=2&authCode=3&userPIN=4", "/a?accessToken=redacted&apiKey=redacted&authCode=redacted&userPIN=redacted"},
		{"unmistakable parts", "/a?PHPSESSID=1&newpassword=2&accesstoken=3", "/a?PHPSESSID=redacted&newpassword=redacted&accesstoken=redacted"},
		{"encoded names", "/a?%74oken=1&user%5Bpassword%5D=2&%2574oken=3", "/a?%74oken=redacted&user%5Bpassword%5D=redacted&%2574oken=redacted"},
		{"repeated ones", "/a?token=1&token=2", "/a?token=redacted&token=redacted"},
		{"an encoded separator is part of the value", "/a?password=a%26b%3Dc&x=1", "/a?password=redacted&x=1"},
		{"so are ; and ? in a query", "/a?password=a;b?c&x=1", "/a?password=redacted&x=1"},
		{"= is too", "/a?token=YWJj==&x=1", "/a?token=redacted&x=1"},
		{"fragments", "/a#access_token=abc&state=x", "/a#access_token=redacted&state=x"},
		{"a router's fragment", "/#/reset?token=abc", "/#/reset?token=redacted"},
		{"a session in the path", "/shop;jsessionid=1A53?x=1", "/shop;jsessionid=redacted?x=1"},
		{"in the middle of it", "/a;sid=1/b", "/a;sid=redacted/b"},
		{"a URL in a parameter", "/go?next=/reset?token=abc", "/go?next=/reset?token=redacted"},
		{"an encoded one", "/go?next=%2Freset%3Fx%3D1%26token%3Dabc%26y%3D2&z=3", "/go?next=%2Freset%3Fx%3D1%26token%3Dredacted%26y%3D2&z=3"},
		{"a doubly encoded one", "/go?n=%252Freset%253Ftoken%253Dabc&z=3", "/go?n=%252Freset%253Ftoken%253Dredacted&z=3"},
		{"an encoded one in a path", "/go/https%3A%2F%2Fx%2F%3Ftoken%3Dabc", "/go/https%3A%2F%2Fx%2F%3Ftoken%3Dredacted"},
		{"user and password", "https://user:pa@ss@shop.example/a@b", "https://shop.example/a@b"},
		{"with an odd one", "https://u:p&w@shop.example/", "https://shop.example/"},
		{"of a URL in a parameter", "/go?to=https://u:p@x.example/&a=b@c", "/go?to=https://x.example/&a=b@c"},
		{"no scheme", "//u:p@x.example/", "//x.example/"},

		{"no secret: byte for byte", "/a?Q=%zz&utm_source=x&&=&a=%20+b;c", "/a?Q=%zz&utm_source=x&&=&a=%20+b;c"},
		{"words that only begin alike", "/a?keyword=k&monkey=1&author=2&tokyo=4&passenger=5&decoder=6&page=2", "/a?keyword=k&monkey=1&author=2&tokyo=4&passenger=5&decoder=6&page=2"},
		{"a secret's name in the path", "/token/code=/x", "/token/code=/x"},
		{"a secret's name as a value", "/a?q=token", "/a?q=token"},
		{"text that a visitor searched", "/a?q=code%3D123", "/a?q=code%3D123"},
		{"an empty value", "/a?token=&x=1", "/a?token=&x=1"},
		{"no value", "/a?token&x=1", "/a?token&x=1"},
		{"@ in a path", "/@user/a", "/@user/a"},
		{"nothing", "", ""},
	} {
		got := RedactURL(tt.in)
		if got != tt.want {
			t.Errorf("%s:\n RedactURL(%q)\n got  %q\n want %q", tt.rule, tt.in, got, tt.want)
		}
		if again := RedactURL(got); again != got {
			t.Errorf("%s: redacting %q again gives %q", tt.rule, got, again)
		}
	}
}

func TestSeedDefect34_ResetTokensAreNotKept(t *testing.T) {
	const secret = "s3cr3t"
	for _, u := range []string{
		"https://shop.example/account/reset?token=" + secret,
		"https://shop.example/verify?email=" + secret + "%40example.com&code=" + secret,
		"https://" + secret + ":x@shop.example/",
		"/cb#id_token=" + secret,
		"/login?next=%2Fa%3Fsession%3D" + secret,
		"/a?to\x00ken=" + secret, // the control character goes first
	} {
		if got := tidyURL(u); strings.Contains(got, secret) {
			t.Errorf("a secret is kept: %q became %q", u, got)
		}
	}
}

func FuzzRedactURL(f *testing.F) {
	for _, s := range []string{"/a?token=1", "https://u:p@h/?a=%26token%3D1", ";sid=%", "/a#b?c=d", "%25%25253D", "//@//@:", "a=b&token=%3D"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := RedactURL(s)
		if again := RedactURL(got); again != got {
			t.Errorf("RedactURL(%q) = %q, and again %q", s, got, again)
		}
		const secret = "5ecret"
		for _, u := range []string{s + "&token=" + secret, s + "?password=" + secret} {
			if got := RedactURL(u); strings.Contains(got, secret) && !strings.Contains(s, secret) && strings.HasPrefix(s, "/") {
				t.Errorf("a secret is kept: %q became %q", u, got)
			}
		}
		mustBeText(t, tidyURL(s))
		if n := len(tidyURL(s)); n > MaxURL {
			t.Errorf("%d bytes, the cap is %d", n, MaxURL)
		}
	})
}

func BenchmarkRedactURL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		RedactURL("/products/42?utm_source=google&utm_medium=cpc&token=abcdef&page=2")
	}
}
