package load

import "strings"

// A Form is how a request is written.
type Form string

// Browser is what Chromium sends when a link to a product is followed inside a
// shop, header by header and in its order, as it arrives behind the proxy that
// ends TLS; a server reads and keeps about 900 bytes of it before any cookie.
// Minimal is what HTTP requires and the browser's name: it makes the server
// without sessions as cheap as it can be, and so every ratio larger.
//
// A form is the same for every kind of server, but for the cookies that the
// server set.
const (
	Browser Form = "browser"
	Minimal Form = "minimal"
)

// Agent is the browser that requests come from.
const Agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"

const hostLine = "Host: shop.example\r\n"

const browserHead = "Connection: keep-alive\r\n" +
	"sec-ch-ua: \"Not:A-Brand\";v=\"99\", \"Google Chrome\";v=\"145\", \"Chromium\";v=\"145\"\r\n" +
	"sec-ch-ua-mobile: ?0\r\n" +
	"sec-ch-ua-platform: \"Linux\"\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"User-Agent: " + Agent + "\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7\r\n" +
	"Sec-Fetch-Site: same-origin\r\n" +
	"Sec-Fetch-Mode: navigate\r\n" +
	"Sec-Fetch-User: ?1\r\n" +
	"Sec-Fetch-Dest: document\r\n" +
	"Referer: https://shop.example/products\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-US,en;q=0.9\r\n"

// appendRequest appends the bytes of a GET with those cookies.
func appendRequest(b []byte, form Form, path string, cookies []cookie) []byte {
	b = append(b, "GET "...)
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\n"+hostLine...)
	if form == Minimal {
		b = append(b, "User-Agent: "+Agent+"\r\n"...)
	} else {
		b = append(b, browserHead...)
	}
	for i, c := range cookies {
		if i == 0 {
			b = append(b, "Cookie: "...)
		} else {
			b = append(b, "; "...)
		}
		b = append(append(append(b, c.name...), '='), c.value...)
	}
	if len(cookies) > 0 {
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// A cookie is a pair that a server set.
type cookie struct{ name, value string }

// keep takes over what a Set-Cookie line says, as a browser does: a cookie of
// the same name is replaced. It reports whether anything is different now.
// Attributes are not looked at: no server here sets a path or deletes a cookie.
func keep(jar []cookie, line []byte) ([]cookie, bool) {
	pair, _, _ := strings.Cut(string(line), ";")
	name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
	for i := range jar {
		if jar[i].name == name {
			same := jar[i].value == value
			jar[i].value = value
			return jar, !same
		}
	}
	return append(jar, cookie{name, value}), true
}
