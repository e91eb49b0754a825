package serve

import (
	"context"
	"net/http"

	"github.com/gorilla/sessions"
)

// Secret signs the cookies of every kind.
const Secret = "kB3nX8vQz1Lp6Rt0Wy5Ua9Sd4Fg7Hj2C"

// makeGorilla keeps the session in the cookie itself, signed and not encrypted:
// nothing to look up, nothing that a server could end, and a new cookie with each
// answer.
func makeGorilla(context.Context, *Options) (*shopServer, error) {
	store := sessions.NewCookieStore([]byte(Secret))
	store.Options.HttpOnly, store.Options.SameSite = true, http.SameSiteLaxMode
	return httpShop(shop(func(w http.ResponseWriter, r *http.Request) (int, error) {
		session, err := store.Get(r, "session")
		if err != nil {
			return 0, err
		}
		n, _ := session.Values["views"].(int)
		n++
		session.Values["views"] = n
		return n, session.Save(r, w)
	})), nil
}
