package serve

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/redisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gomodule/redigo/redis"
)

func makeSCSMemory(context.Context, *Options) (*shopServer, error) {
	return scsShop(memstore.New()), nil
}

// makeSCSRedis has a pool that keeps as many connections as requests run at once:
// with fewer, as in the library's examples, it would be dialling most of the
// time.
func makeSCSRedis(_ context.Context, o *Options) (*shopServer, error) {
	pool := &redis.Pool{MaxIdle: 128, IdleTimeout: 5 * time.Minute, Dial: func() (redis.Conn, error) { return redis.Dial("tcp", o.Redis) }}
	return scsShop(redisstore.New(pool)), nil
}

// scsShop reads the session before the handler and, because the counter changed,
// writes it and its cookie after it.
func scsShop(store scs.Store) *shopServer {
	manager := scs.New()
	manager.Store = store
	manager.Cookie.HttpOnly, manager.Cookie.SameSite = true, http.SameSiteLaxMode
	return httpShop(manager.LoadAndSave(shop(func(_ http.ResponseWriter, r *http.Request) (int, error) {
		n := manager.GetInt(r.Context(), "views") + 1
		manager.Put(r.Context(), "views", n)
		return n, nil
	})))
}
