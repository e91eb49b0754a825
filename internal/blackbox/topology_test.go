package blackbox

import (
	"cmp"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/footfall-go/footfall/internal/testserver"
	"github.com/footfall-go/footfall/internal/testserver/restfront"
)

// A topology is what a shop stands on. Tests say nothing of it: the name of the
// test they run under does.
type topology struct {
	name      string
	redis     *testserver.RedisServer
	rest      *httptest.Server // in front of redis
	mongodb   *testserver.MongoDBServer
	instances int
	plain     bool // one shop has the servers: keys and database have their usual names

	redisURL, mongoURI string // if they are not reached directly
}

// A place is a shop's share of a topology's servers.
type place struct {
	settings  []string
	database  *mongoDatabase
	instances int
}

type mongoDatabase struct{ server, name string }

const restToken = "blackbox-rest-token"

var (
	topologies sync.Map // by the prefix of a test's name
	places     atomic.Int64
)

// topologyOf is memory and SQLite unless the test runs under another.
func topologyOf(t testing.TB) *topology {
	found := &topology{instances: 1}
	topologies.Range(func(prefix, top any) bool {
		if strings.HasPrefix(t.Name(), prefix.(string)) {
			found = top.(*topology)
			return false
		}
		return true
	})
	return found
}

func (top *topology) place(testing.TB) place {
	n := places.Add(1)
	p := place{instances: top.instances}
	prefix := fmt.Sprintf("REDIS_PREFIX=shop%d:", n)
	if top.plain {
		prefix = "REDIS_PREFIX="
	}
	switch {
	case top.rest != nil:
		p.settings = append(p.settings, "UPSTASH_REDIS_REST_URL="+top.rest.URL, "UPSTASH_REDIS_REST_TOKEN="+restToken, prefix)
	case top.redis != nil:
		p.settings = append(p.settings, "REDIS_URL="+top.redis.URL(), prefix)
	case top.redisURL != "":
		p.settings = append(p.settings, "REDIS_URL="+top.redisURL)
	}
	if top.mongodb != nil {
		p.database = &mongoDatabase{top.mongodb.URI(), fmt.Sprintf("shop%d", n)}
		// FerretDB takes one connection at a time well.
		p.settings = append(p.settings, "MONGODB_URI="+cmp.Or(top.mongoURI, top.mongodb.URI())+"/"+p.database.name+"?maxPoolSize=1")
	}
	return p
}

// The journey of one shop on one machine, unchanged, elsewhere.
var journey = []struct {
	name string
	test func(*testing.T)
}{
	{"Seed1", TestSeed1_CreateAnonymousSession},
	{"Seed2", TestSeed2_ResumeExistingSession},
	{"Seed3", TestSeed3_LoginSessionConversion},
	{"Seed4", TestSeed4_CreateOrderConversion},
	{"Expiry", TestExpiry_Idle},
	{"Logout", TestLogout_StaysDeadThroughKill},
	{"Survives", TestLiveSession_SurvivesKill},
}

func TestTopologies(t *testing.T) {
	redis := testserver.Redis(t)
	mongodb := testserver.MongoDB(t)
	rest := httptest.NewServer(restfront.New(redis.Addr(), restToken))
	t.Cleanup(rest.Close)
	for _, top := range []*topology{
		{name: "redis+mongodb", redis: redis, mongodb: mongodb, instances: 1},
		{name: "upstash+sqlite", redis: redis, rest: rest, instances: 1},
		{name: "two_instances", redis: redis, mongodb: mongodb, instances: 2},
	} {
		t.Run(top.name, func(t *testing.T) {
			topologies.Store(t.Name()+"/", top)
			for _, step := range journey {
				t.Run(step.name, step.test)
			}
		})
	}
}
