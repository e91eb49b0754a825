package serve

import (
	"io"
	"net/http"
	"strconv"
)

// Every kind of server answers with this page, and with the number its session
// has counted where a visitor asks for it: so a session library that forgets
// shows.
const (
	PagePath  = "/products/17"
	CountPath = "/count"

	htmlType = "text/html; charset=utf-8"
	Page     = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Enamel mug, dark green | The Example Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/assets/shop.css">
<script src="/assets/shop.js" defer></script>
</head>
<body>
<header><a href="/">The Example Shop</a> <nav><a href="/products">Products</a> <a href="/cart">Cart</a> <a href="/account">Account</a></nav></header>
<main>
<h1>Enamel mug, dark green</h1>
<img src="/images/17.webp" width="640" height="480" alt="A dark green enamel mug on a wooden table">
<p class="price">14.90 EUR</p>
<p>Steel with two coats of enamel, 350 ml, for the camp fire and for the dishwasher. Made to be dropped.</p>
<form method="post" action="/cart"><input type="hidden" name="product" value="17"><button>Add to cart</button></form>
</main>
</body>
</html>
`
)

// A counter counts one more view in the request's session, the way its library
// is used, and returns how many there are.
type counter func(w http.ResponseWriter, r *http.Request) (int, error)

// shop is the handler behind every kind of server that speaks net/http.
func shop(count counter) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := 0
		if count != nil {
			var err error
			if n, err = count(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		w.Header().Set("Content-Type", htmlType)
		if r.URL.Path == CountPath {
			_, _ = io.WriteString(w, strconv.Itoa(n))
			return
		}
		_, _ = io.WriteString(w, Page)
	})
}
