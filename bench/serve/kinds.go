package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// The kinds of server.
const (
	Bare         = "bare"
	Gorilla      = "gorilla"
	SCSMemory    = "scs"
	SCSRedis     = "scs+redis"
	FiberRedis   = "fiber+redis"
	Express      = "express+redis"
	MemorySQLite = "footfall"
	RedisMongoDB = "footfall+redis+mongodb"
)

// A Kind is what a shop may use.
type Kind struct {
	Name     string
	Title    string
	Redis    bool
	MongoDB  bool
	Footfall bool
	Node     bool // it is bench/express, not a server of this package
	make     func(context.Context, *Options) (*shopServer, error)
}

// Kinds are all kinds in the order in which they are measured and printed.
var Kinds = []Kind{
	{Name: Bare, Title: "bare `net/http`", make: makeBare},
	{Name: Gorilla, Title: "gorilla/sessions, cookie store", make: makeGorilla},
	{Name: SCSMemory, Title: "alexedwards/scs, memory", make: makeSCSMemory},
	{Name: SCSRedis, Title: "alexedwards/scs, Redis", Redis: true, make: makeSCSRedis},
	{Name: FiberRedis, Title: "gofiber/fiber sessions, Redis", Redis: true, make: makeFiberRedis},
	{Name: Express, Title: "Express, express-session, Redis (Node)", Redis: true, Node: true, make: makeElsewhere},
	{Name: MemorySQLite, Title: "**Footfall, memory and SQLite**", Footfall: true, make: makeMemorySQLite},
	{Name: RedisMongoDB, Title: "**Footfall, Redis and MongoDB**", Redis: true, MongoDB: true, Footfall: true, make: makeRedisMongoDB},
}

// KindOf finds a kind by name.
func KindOf(name string) (Kind, bool) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// A shopServer is a server of a kind. serve blocks until close.
type shopServer struct {
	serve    func(net.Listener) error
	close    func() error
	footfall *tracked // nil for others
}

// httpShop serves with net/http.
func httpShop(h http.Handler) *shopServer {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	return &shopServer{serve: srv.Serve, close: srv.Close}
}

func makeBare(context.Context, *Options) (*shopServer, error) { return httpShop(shop(nil)), nil }

// makeElsewhere is of kinds that whoever measures starts himself.
func makeElsewhere(context.Context, *Options) (*shopServer, error) {
	return nil, errors.New("this kind is a program of its own")
}
