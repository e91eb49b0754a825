package mongostub

import (
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// success is what each answer ends with.
var success = bson.E{Key: "ok", Value: 1}

// answer is the reply to a command. All that is written succeeds: an insert finds
// nothing that was there already, an update finds what it looks for.
func (s *Server) answer(c *command) (bson.Raw, error) {
	switch c.name {
	case "hello", "isMaster", "ismaster":
		return bson.Marshal(s.hello())
	case "ping", "endSessions", "createIndexes":
		return bson.Marshal(bson.D{success})
	case "buildInfo":
		return bson.Marshal(bson.D{{Key: "version", Value: "7.0.0"}, success})
	case "insert":
		s.countInserted(collection(c), c.docs)
		return bson.Marshal(bson.D{{Key: "n", Value: len(c.docs)}, success})
	case "update":
		return bson.Marshal(bson.D{{Key: "n", Value: len(c.docs)}, {Key: "nModified", Value: len(c.docs)}, success})
	case "delete":
		return bson.Marshal(bson.D{{Key: "n", Value: 0}, success})
	case "find":
		return s.find(c)
	case "aggregate":
		return s.count(c)
	case "getMore":
		return s.more(c)
	case "killCursors":
		return s.kill(c)
	}
	return nil, errors.New("the command is not known")
}

// hello has no topologyVersion: the driver then asks every ten seconds instead of
// being told of changes.
func (s *Server) hello() bson.D {
	addr := s.listener.Addr().String()
	return bson.D{
		{Key: "isWritablePrimary", Value: true}, {Key: "ismaster", Value: true}, {Key: "helloOk", Value: true},
		{Key: "setName", Value: "stub"}, {Key: "hosts", Value: bson.A{addr}}, {Key: "primary", Value: addr}, {Key: "me", Value: addr},
		{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: maxMessageSize}, {Key: "maxWriteBatchSize", Value: 100_000},
		{Key: "localTime", Value: bson.NewDateTimeFromTime(time.Now())}, {Key: "logicalSessionTimeoutMinutes", Value: 30},
		{Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 21}, success, // MongoDB 7.0
	}
}

// collection is what a command is about.
func collection(c *command) string {
	name, _ := c.body.Lookup(c.name).StringValueOK()
	return name
}
