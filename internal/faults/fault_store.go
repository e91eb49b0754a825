package faults

import (
	"net"
	"strings"
	"time"

	"github.com/footfall-go/footfall/internal/testserver"
)

// Faults of the hot store and of the archive that several instances share.
var (
	redisStopped = fault{name: "Redis stopped", open: sharedWorld, cost: endedOnes, run: while(
		func(w *world) error { w.redis.Stop(); return nil },
		func(w *world) error { w.redis.Start(); return nil })}
	redisFrozen = fault{name: "Redis frozen", open: sharedWorld, cost: endedOnes, run: while(
		func(w *world) error { w.redis.Freeze(); return nil },
		func(w *world) error { w.redis.Thaw(); return nil })}
	redisSlow = fault{name: "Redis slow by 200 ms", open: sharedWorld, cost: endedOnes, run: while(
		func(w *world) error { slow(w.toRedis, 100*time.Millisecond); return nil },
		func(w *world) error { slow(w.toRedis, 0); return nil })}
	redisEmptied = fault{name: "Redis emptied, again and again", open: sharedWorld, cost: endedOnes, run: again(func(w *world) error {
		w.redis.Do(w.t, "FLUSHALL")
		w.pause(time.Second, 2*time.Second)
		return nil
	})}
	// Like a failover to a replica that had not received the latest writes.
	redisOld = fault{name: "Redis put back to an old snapshot", open: sharedWorld, cost: endedOnes, run: func(w *world, length time.Duration) error {
		snapshot := w.redis.Snapshot(w.t)
		time.Sleep(length / 2)
		w.redisFrom(snapshot)
		w.replayDead()
		time.Sleep(length / 2)
		return nil
	}}
	// The same while the archive cannot be read, on an instance that has not
	// learned who has logged out since.
	redisOldAlone = fault{name: "Redis put back, MongoDB stopped, an instance restarted", open: sharedWorld, cost: endedOnes, run: func(w *world, length time.Duration) error {
		snapshot := w.redis.Snapshot(w.t)
		time.Sleep(length / 2)
		p := w.anyProcess()
		p.kill()
		w.mongodb.Stop()
		w.redisFrom(snapshot)
		err := p.start()
		w.replayDead()
		time.Sleep(length / 2)
		w.mongodb.Start()
		return err
	}}
	redisCutOff = fault{name: "one instance cut off from Redis", open: sharedWorld, cost: endedOnes, run: while(
		func(w *world) error { w.toRedis[0].Cut(); return nil },
		func(w *world) error { w.toRedis[0].Resume(); return nil })}
	mongodbCutOff = fault{name: "one instance cut off from MongoDB", open: sharedWorld, cost: endedOnes, run: while(
		func(w *world) error { w.toMongo[0].Cut(); return nil },
		func(w *world) error { w.toMongo[0].Resume(); return nil })}
	mongodbStopped = fault{name: "MongoDB stopped", open: sharedWorld, cost: endedOnes, run: while(
		func(w *world) error { w.mongodb.Stop(); return nil },
		func(w *world) error { w.mongodb.Start(); return nil })}
	mongodbFrozen = fault{name: "MongoDB frozen", open: sharedWorld, cost: endedOnes, run: while(
		func(w *world) error { w.mongodb.Freeze(); return nil },
		func(w *world) error { w.mongodb.Thaw(); return nil })}
	mongodbSlow = fault{name: "MongoDB slow by 200 ms", open: sharedWorld, cost: endedOnes, run: while(
		func(w *world) error { slow(w.toMongo, 100*time.Millisecond); return nil },
		func(w *world) error { slow(w.toMongo, 0); return nil })}
	bothStopped = fault{name: "Redis and MongoDB stopped, an instance killed meanwhile", open: sharedWorld, cost: endedOnes, run: func(w *world, length time.Duration) error {
		p := w.anyProcess()
		w.redis.Stop()
		w.mongodb.Stop()
		time.Sleep(length / 2)
		p.kill()
		w.redis.Start()
		w.mongodb.Start()
		return p.start()
	}}
	// The master dies, and its replica, which may lack the latest writes, becomes
	// master.
	failover = fault{name: "Redis fails over to its replica (Sentinel)", open: sentinelWorld, cost: endedOnes, run: func(w *world, length time.Duration) error {
		w.redis.Stop()
		time.Sleep(length)
		return nil
	}}
)

func slow(proxies []*testserver.ProxyServer, each time.Duration) {
	for _, p := range proxies {
		p.SetDelay(each)
	}
}

// redisFrom restores Redis from a snapshot.
func (w *world) redisFrom(snapshot string) {
	w.redis.Stop()
	w.redis.Restore(snapshot)
	w.redis.Start()
}

// sentinelWorld has a Redis with a replica, and a Sentinel that watches both.
func sentinelWorld(p *plan) (*world, error) {
	redis := testserver.Redis(p.t)
	host, port, err := net.SplitHostPort(redis.Addr())
	if err != nil {
		return nil, err
	}
	replica := testserver.Redis(p.t, "--replicaof", host+" "+port)
	watcher := testserver.Sentinel(p.t, "shop", redis)
	for range 200 { // until the Sentinel knows the replica
		if strings.Contains(strings.Join(watcher.Do(p.t, "SENTINEL", "REPLICAS", "shop"), " "), replica.Addr()) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	w, err := newShared(p.t, p.scale(p.shared), redis)
	if err != nil {
		return nil, err
	}
	w.servers = append(w.servers, replica, watcher)
	return w, w.openShared(p.binary, "REDIS_URL=redis+sentinel://"+watcher.Addr()+"/shop")
}
