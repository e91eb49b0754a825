package mongostub

import (
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// A group is documents that are still to be sent: so many, all alike.
type group struct {
	field, value string
	n            int64
}

const (
	firstBatch = 101      // documents, as a server has it
	batchBytes = 15 << 20 // below the most that a document may hold
)

func (s *Server) countInserted(collection string, docs []bsoncore.Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch collection {
	case "sessions":
		s.sessions += int64(len(docs))
		return
	case "session_events":
	default:
		return
	}
	for _, e := range docs {
		if kind, _ := e.Lookup("eventType").StringValueOK(); kind == "page_view" {
			session, _ := e.Lookup("sessionId").StringValueOK()
			s.views[session]++
			s.total++
		}
	}
}

// find answers the one question that the archive asks of page views, which they
// are. All else is not there.
func (s *Server) find(c *command) (bson.Raw, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var groups []group
	left, limited := c.body.Lookup("limit").AsInt64OK()
	filter, _ := c.body.Lookup("filter").DocumentOK()
	if collection(c) == "session_events" {
		for _, session := range among(filter, "sessionId") {
			n := s.views[session]
			if limited {
				n = min(n, left)
				left -= n
			}
			groups = append(groups, group{"sessionId", session, n})
		}
	}
	size := firstBatch
	if n, ok := c.body.Lookup("batchSize").AsInt64OK(); ok {
		size = int(n)
	}
	return s.batch(collection(c), "firstBatch", size, 0, groups)
}

// more goes on with a cursor.
func (s *Server) more(c *command) (bson.Raw, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := c.body.Lookup("getMore").AsInt64OK()
	name, _ := c.body.Lookup("collection").StringValueOK()
	return s.batch(name, "nextBatch", 0, id, s.cursors[id])
}

func (s *Server) kill(c *command) (bson.Raw, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, _ := c.body.Lookup("cursors").ArrayOK()
	values, err := ids.Values()
	if err != nil {
		return nil, err
	}
	for _, id := range values {
		delete(s.cursors, id.AsInt64())
	}
	return bson.Marshal(bson.D{success})
}

// batch is an answer with as many documents as fit, at most that many (0: no
// limit); the cursor keeps the others.
func (s *Server) batch(collection, name string, limit int, id int64, groups []group) (bson.Raw, error) {
	start, docs := bsoncore.AppendArrayStart(nil)
	sent := 0
	for len(groups) > 0 && (limit == 0 || sent < limit) && len(docs) < batchBytes {
		g := &groups[0]
		if g.n == 0 {
			groups = groups[1:]
			continue
		}
		g.n--
		var doc int32
		doc, docs = bsoncore.AppendDocumentElementStart(docs, strconv.Itoa(sent))
		docs = bsoncore.AppendStringElement(docs, g.field, g.value)
		docs, _ = bsoncore.AppendDocumentEnd(docs, doc)
		sent++
	}
	docs, err := bsoncore.AppendArrayEnd(docs, start)
	if err != nil {
		return nil, err
	}
	delete(s.cursors, id)
	for len(groups) > 0 && groups[0].n == 0 {
		groups = groups[1:]
	}
	switch {
	case len(groups) == 0:
		id = 0
	case id == 0:
		s.cursor++
		id = s.cursor
	}
	if id != 0 {
		s.cursors[id] = groups
	}
	return bson.Marshal(bson.D{{Key: "cursor", Value: bson.D{
		{Key: name, Value: bson.RawValue{Type: bson.TypeArray, Value: docs}}, {Key: "id", Value: id}, {Key: "ns", Value: "footfall." + collection},
	}}, success})
}

// count is how many page views each of some sessions has.
func (s *Server) count(c *command) (bson.Raw, error) {
	found := bson.A{}
	if collection(c) == "session_events" {
		filter, _ := c.body.Lookup("pipeline", "0", "$match").DocumentOK()
		s.mu.Lock()
		for _, session := range among(filter, "sessionId") {
			if n := s.views[session]; n > 0 {
				found = append(found, bson.D{{Key: "_id", Value: session}, {Key: "n", Value: n}})
			}
		}
		s.mu.Unlock()
	}
	return bson.Marshal(bson.D{{Key: "cursor", Value: bson.D{
		{Key: "firstBatch", Value: found}, {Key: "id", Value: int64(0)}, {Key: "ns", Value: "footfall." + collection(c)},
	}}, success})
}

// among are the texts that a filter has a field be one of.
func among(filter bson.Raw, field string) (texts []string) {
	list, _ := filter.Lookup(field, "$in").ArrayOK()
	values, err := list.Values()
	if err != nil {
		return nil
	}
	for _, v := range values {
		if text, ok := v.StringValueOK(); ok {
			texts = append(texts, text)
		}
	}
	return texts
}
