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

func (s *Server) countInserted(events []bsoncore.Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		if kind, _ := e.Lookup("eventType").StringValueOK(); kind == "page_view" {
			session, _ := e.Lookup("sessionId").StringValueOK()
			s.views[session]++
			s.total++
		}
	}
}

// noteRaised notes the page views that updates raise in sessions' documents.
func (s *Server) noteRaised(updates []bsoncore.Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range updates {
		session, _ := u.Lookup("q", "_id").StringValueOK()
		if n, ok := u.Lookup("u", "$max", "pageViews").AsInt64OK(); ok {
			s.raised[session] = max(s.raised[session], n)
		}
	}
}

// find answers the two questions that the archive asks of page views, which they
// are and which sessions have many. All else is not there.
func (s *Server) find(c *command) (bson.Raw, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var groups []group
	filter, _ := c.body.Lookup("filter").DocumentOK()
	switch collection(c) {
	case "session_events":
		for _, session := range among(filter, "sessionId") {
			groups = append(groups, group{"sessionId", session, s.views[session]})
		}
	case "sessions":
		many, asked := filter.Lookup("pageViews", "$gte").AsInt64OK()
		for _, session := range among(filter, "_id") {
			if asked && s.raised[session] >= many {
				groups = append(groups, group{"sessionId", session, 1})
			}
		}
	}
	return s.batch(collection(c), "firstBatch", firstBatch, 0, groups)
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

// count is what CountDocuments reads.
func (s *Server) count(c *command) (bson.Raw, error) {
	n := int64(0)
	if collection(c) == "session_events" {
		filter, _ := c.body.Lookup("pipeline", "0", "$match").DocumentOK()
		s.mu.Lock()
		for _, session := range among(filter, "sessionId") {
			n += s.views[session]
		}
		s.mu.Unlock()
	}
	found := bson.A{}
	if n > 0 {
		found = bson.A{bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: n}}}
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
