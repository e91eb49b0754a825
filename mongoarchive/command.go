package mongoarchive

import (
	"errors"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/footfall-go/footfall/store"
)

// The commands that are part of storing page views and new visitors, the inserts of
// events and sessions and the updates of sessions and visitors, are encoded here byte by
// byte and sent with RunCommand. The driver's own calls encode with reflection, and
// InsertMany decodes each document again to learn its _id. In a process that serves page
// views that took 11 % of the CPU in place of 3 % for the insert and, with many
// sessions, 14 % for the update: see docs/decisions/0014.
//
// Such a command is tried once. If it fails for any reason other than documents
// that exist already, the driver's own call repeats it, with the retries, limits
// and errors of all other writes.

// commandBytes is the size at which a command is ended and another begun. It
// keeps the document below the 16 MiB that a server accepts, unless a single
// event is very large.
const commandBytes = 8 << 20

// appendCommandStart appends the beginning of a command, up to the array of its
// statements.
func appendCommandStart(dst []byte, name, collection, list string) (command []byte, array int32) {
	_, dst = bsoncore.AppendDocumentStart(dst)
	dst = bsoncore.AppendStringElement(dst, name, collection)
	dst = bsoncore.AppendBooleanElement(dst, "ordered", false)
	concern, dst := bsoncore.AppendDocumentElementStart(dst, "writeConcern") // RunCommand does not add one
	dst = bsoncore.AppendStringElement(dst, "w", "majority")
	dst = closed(dst, concern)
	array, dst = bsoncore.AppendArrayElementStart(dst, list)
	return dst, array
}

// appendCommandEnd appends the end of a command.
func appendCommandEnd(dst []byte, array int32) []byte {
	dst = closed(dst, array)
	return closed(dst, 0)
}

// closed ends a document or an array. This cannot fail for one that has been
// started.
func closed(dst []byte, start int32) []byte {
	dst, _ = bsoncore.AppendDocumentEnd(dst, start)
	return dst
}

// appendInsert appends an insert command with as many of the events as fit into
// one.
func appendInsert(dst []byte, events []*store.Event) (command []byte, n int) {
	dst, array := appendCommandStart(dst, "insert", sessionEvents, "documents")
	for ; n < min(len(events), perCommand) && len(dst) < commandBytes; n++ {
		dst = appendEvent(dst, strconv.Itoa(n), events[n])
	}
	return appendCommandEnd(dst, array), n
}

// appendSessions appends an insert command with as many of the sessions as fit into one.
func appendSessions(dst []byte, records []*store.Record) (command []byte, n int, err error) {
	dst, array := appendCommandStart(dst, "insert", sessions, "documents")
	for ; n < min(len(records), perCommand) && len(dst) < commandBytes; n++ {
		if dst, err = appendSession(dst, strconv.Itoa(n), records[n]); err != nil {
			return nil, 0, err
		}
	}
	return appendCommandEnd(dst, array), n, nil
}

// appendSession appends a session that begins, in the form of a sessionDoc.
func appendSession(dst []byte, key string, r *store.Record) ([]byte, error) {
	doc, dst := bsoncore.AppendDocumentElementStart(dst, key)
	dst = bsoncore.AppendStringElement(dst, "_id", r.SessionID)
	dst = bsoncore.AppendStringElement(dst, "sessionId", r.SessionID)
	dst = appendText(dst, "visitorId", r.VisitorID)
	dst = appendText(dst, "customerId", r.CustomerID)
	dst = bsoncore.AppendStringElement(dst, "type", string(r.Type()))
	for _, text := range [...]struct{ name, value string }{
		{"ipAddress", r.IPAddress}, {"userAgent", r.UserAgent}, {"country", r.Country}, {"city", r.City}, {"device", r.Device}, {"browser", r.Browser}, {"os", r.OS},
		{"landingPage", r.LandingPage}, {"referrer", r.Referrer}, {"channel", r.Channel},
		{"utmSource", r.UTMSource}, {"utmMedium", r.UTMMedium}, {"utmCampaign", r.UTMCampaign}, {"utmTerm", r.UTMTerm}, {"utmContent", r.UTMContent},
	} {
		dst = appendText(dst, text.name, text.value)
	}
	dst = bsoncore.AppendInt64Element(dst, "pageViews", r.PageViews)
	dst = appendMoment(dst, "startedAt", r.StartedAt)
	dst = appendMoment(dst, "lastSeenAt", r.LastSeenAt)
	dst = appendMoment(dst, "endedAt", r.EndedAt)
	dst = appendText(dst, "endReason", string(r.EndReason))
	dst = bsoncore.AppendBooleanElement(dst, "converted", r.Converted)
	dst = appendText(dst, "orderId", r.OrderID)
	dst = bsoncore.AppendInt64Element(dst, "version", r.Version)
	dst = bsoncore.AppendBinaryElement(dst, "secretHash", 0, r.SecretHash[:])
	if r.Superseded == (store.SecretHash{}) {
		dst = bsoncore.AppendNullElement(dst, "supersededHash")
	} else {
		dst = bsoncore.AppendBinaryElement(dst, "supersededHash", 0, r.Superseded[:])
	}
	dst = appendMoment(dst, "authenticatedAt", r.AuthenticatedAt)
	values, dst := bsoncore.AppendDocumentElementStart(dst, "values")
	for name, value := range r.Values {
		encoded, err := bson.Marshal(newValueDoc(name, value, r.StartedAt))
		if err != nil {
			return nil, err
		}
		dst = bsoncore.AppendDocumentElement(dst, valueName(name), encoded)
	}
	dst = closed(dst, values)
	dst = bsoncore.AppendInt64Element(dst, "folds", 0)
	return closed(dst, doc), nil
}

// appendSighting appends the update statement that makes a visitor known, or widens the
// time in which it was seen.
func appendSighting(dst []byte, key, visitorID string, first, last bson.DateTime) []byte {
	statement, dst := bsoncore.AppendDocumentElementStart(dst, key)
	q, dst := bsoncore.AppendDocumentElementStart(dst, "q")
	dst = bsoncore.AppendStringElement(dst, "_id", visitorID)
	dst = closed(dst, q)
	u, dst := bsoncore.AppendDocumentElementStart(dst, "u")
	set, dst := bsoncore.AppendDocumentElementStart(dst, "$set")
	dst = bsoncore.AppendStringElement(dst, "visitorId", visitorID)
	dst = closed(dst, set)
	lower, dst := bsoncore.AppendDocumentElementStart(dst, "$min")
	dst = bsoncore.AppendDateTimeElement(dst, "firstSeenAt", int64(first))
	dst = closed(dst, lower)
	raise, dst := bsoncore.AppendDocumentElementStart(dst, "$max")
	dst = bsoncore.AppendDateTimeElement(dst, "lastSeenAt", int64(last))
	dst = closed(dst, raise)
	dst = closed(dst, u)
	dst = bsoncore.AppendBooleanElement(dst, "upsert", true)
	return closed(dst, statement)
}

// appendEvent appends an event in the form of an eventDoc.
func appendEvent(dst []byte, key string, e *store.Event) []byte {
	doc, dst := bsoncore.AppendDocumentElementStart(dst, key)
	dst = bsoncore.AppendStringElement(dst, "_id", e.EventID)
	dst = bsoncore.AppendStringElement(dst, "eventId", e.EventID)
	dst = bsoncore.AppendStringElement(dst, "sessionId", e.SessionID)
	dst = appendText(dst, "visitorId", e.VisitorID)
	dst = bsoncore.AppendStringElement(dst, "eventType", e.EventType)
	dst = appendText(dst, "page", e.Page)
	dst = appendText(dst, "productId", e.ProductID)
	dst = appendText(dst, "metadata", string(e.Metadata))
	dst = appendMoment(dst, "createdAt", e.CreatedAt)
	return closed(dst, doc)
}

func appendText(dst []byte, key, s string) []byte {
	if s == "" {
		return bsoncore.AppendNullElement(dst, key)
	}
	return bsoncore.AppendStringElement(dst, key, s)
}

func appendMoment(dst []byte, key string, t time.Time) []byte {
	if t.IsZero() {
		return bsoncore.AppendNullElement(dst, key)
	}
	return bsoncore.AppendDateTimeElement(dst, key, t.UnixMilli())
}

// appendRaise appends the update statement that raises a session's page views and
// last-seen time.
func appendRaise(dst []byte, key, sessionID string, views, lastSeen int64) []byte {
	statement, dst := bsoncore.AppendDocumentElementStart(dst, key)
	q, dst := bsoncore.AppendDocumentElementStart(dst, "q")
	dst = bsoncore.AppendStringElement(dst, "_id", sessionID)
	dst = closed(dst, q)
	u, dst := bsoncore.AppendDocumentElementStart(dst, "u")
	raise, dst := bsoncore.AppendDocumentElementStart(dst, "$max")
	dst = bsoncore.AppendInt64Element(dst, "pageViews", views)
	if lastSeen != 0 {
		dst = bsoncore.AppendDateTimeElement(dst, "lastSeenAt", lastSeen)
	}
	dst = closed(dst, raise)
	unset, dst := bsoncore.AppendDocumentElementStart(dst, "$unset")
	dst = bsoncore.AppendStringElement(dst, "foldedInto", "")
	dst = closed(dst, unset)
	dst = closed(dst, u)
	return closed(dst, statement)
}

// statements returns the statements of a command that was built here.
func statements(command bson.Raw, list string) ([]bson.Raw, error) {
	array, ok := command.Lookup(list).ArrayOK()
	if !ok {
		return nil, errors.New("the command has no field " + list)
	}
	values, err := array.Values()
	raws := make([]bson.Raw, len(values))
	for i, v := range values {
		raws[i] = v.Document()
	}
	return raws, err
}

// runInsert sends an insert into a collection. It returns which documents existed already.
func (b *batch) runInsert(collection string, command bson.Raw) (there []int, err error) {
	if len(command) < 2*commandBytes {
		err = b.c.write.RunCommand(b.ctx, command).Err()
		if there, ok := duplicates(err); ok {
			return there, nil
		}
		if b.ctx.Err() != nil {
			return nil, err
		}
	}
	docs, err := statements(command, "documents")
	if err != nil {
		return nil, err
	}
	again := make([]any, len(docs))
	for i, d := range docs {
		again[i] = d
	}
	return b.insert(collection, again)
}

// runUpdate sends updates of a collection. It returns how many of the documents exist, those
// included that were made.
func (b *batch) runUpdate(collection string, command bson.Raw) (matched int64, err error) {
	reply, err := b.c.write.RunCommand(b.ctx, command).Raw()
	if err == nil {
		if n, ok := reply.Lookup("n").AsInt64OK(); ok {
			return n, nil
		}
	}
	if b.ctx.Err() != nil {
		return 0, err
	}
	updates, err := statements(command, "updates")
	if err != nil {
		return 0, err
	}
	models := make([]mongo.WriteModel, len(updates))
	for i, u := range updates {
		upsert, _ := u.Lookup("upsert").BooleanOK()
		models[i] = mongo.NewUpdateOneModel().SetFilter(u.Lookup("q").Document()).SetUpdate(u.Lookup("u").Document()).SetUpsert(upsert)
	}
	result, err := b.coll(collection).BulkWrite(b.ctx, models, options.BulkWrite().SetOrdered(false))
	if err != nil {
		return 0, err
	}
	return result.MatchedCount + result.UpsertedCount, nil
}
