package mongoarchive

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall/enrich"
	"github.com/footfall-go/footfall/internal/jsontext"
	"github.com/footfall-go/footfall/store"
)

// legacyBatch is how many documents of the former service are upgraded at a time.
const legacyBatch = 50

// legacyEvents is the UUID name space for the ids of events that had none.
var legacyEvents = uuid.MustParse("6c1f6a3e-5d0e-4c56-9d0c-1b8f0f3c9a57")

// UpgradeLegacy converts the documents that the former Express service wrote to
// sessions and session_events into the present form. It returns how many it
// converted. Such a document has an ObjectId as _id. It is deleted once the
// converted document is stored, so an upgrade that was cut off can be continued.
//
// The unique indexes of the former service are dropped, because converted
// documents would violate them. So run this when that service has stopped
// writing.
func (a *Archive) UpgradeLegacy(ctx context.Context) (int, error) {
	c, err := a.writing(ctx)
	if err != nil {
		return 0, fmt.Errorf("mongoarchive: upgrade: %w", oneLine(err))
	}
	b := newBatch(ctx, c)
	upgraded := 0
	// Events come first: they take their visitor from the session, and may refer
	// to it by its ObjectId.
	for _, step := range []struct {
		collection string
		upgrade    func([]bson.M) error
	}{{sessionEvents, b.upgradeEvents}, {sessions, b.upgradeSessions}} {
		if err := b.dropUnique(step.collection); err != nil {
			return upgraded, fmt.Errorf("mongoarchive: upgrade: indexes of %s: %w", step.collection, err)
		}
		for {
			docs, err := all[bson.M](ctx, b.coll(step.collection), bson.M{"_id": bson.M{"$type": "objectId"}}, options.Find().SetLimit(legacyBatch))
			if err == nil && len(docs) > 0 {
				err = step.upgrade(docs)
			}
			if err == nil && len(docs) > 0 {
				ids := make([]any, len(docs))
				for i, d := range docs {
					ids[i] = d["_id"]
				}
				_, err = b.coll(step.collection).DeleteMany(ctx, bson.M{"_id": bson.M{"$in": ids}})
			}
			if err != nil {
				return upgraded, fmt.Errorf("mongoarchive: upgrade of %s: %w", step.collection, err)
			}
			if len(docs) == 0 {
				break
			}
			upgraded += len(docs)
		}
	}
	return upgraded, nil
}

func (b *batch) dropUnique(collection string) error {
	indexes, err := b.coll(collection).Indexes().ListSpecifications(b.ctx)
	if err != nil {
		return err
	}
	for _, i := range indexes {
		if i.Name == "_id_" || i.Unique == nil || !*i.Unique {
			continue
		}
		if err := b.coll(collection).Indexes().DropOne(b.ctx, i.Name); err != nil {
			return fmt.Errorf("%s: %w", i.Name, err)
		}
	}
	return nil
}

func (b *batch) upgradeSessions(docs []bson.M) error {
	var successors []any
	seen := newSightings()
	for _, old := range docs {
		d := legacySession(old)
		successors = append(successors, d)
		if d.VisitorID != nil {
			seen.add(*d.VisitorID, *d.StartedAt)
		}
	}
	if err := b.see(seen); err != nil {
		return err
	}
	there, err := b.insert(sessions, successors)
	if err != nil {
		return err
	}
	for _, i := range there { // the upgrade was cut off before, or a session has two documents
		d := successors[i].(*sessionDoc)
		if _, err := b.coll(sessions).UpdateOne(b.ctx, bson.M{"_id": d.SessionID, "legacy": true},
			bson.M{"$max": bson.M{"pageViews": d.PageViews, "lastSeenAt": *d.LastSeenAt}}); err != nil {
			return err
		}
	}
	return nil
}

func legacySession(old bson.M) *sessionDoc {
	oid := old["_id"].(bson.ObjectID)
	textOf := func(name string, most int) string { return enrich.Text(legacyText(old[name]), most) }
	id := func(name string) string { return textOf(name, maxLegacyID) }
	started := cmp.Or(legacyTime(old["startedAt"]), bson.NewDateTimeFromTime(oid.Timestamp()))
	seen := cmp.Or(legacyTime(old["lastSeenAt"]), started)
	s := store.Session{
		SessionID: cmp.Or(id("sessionId"), oid.Hex()), VisitorID: id("visitorId"), CustomerID: id("customerId"), OrderID: id("orderId"),
		IPAddress: id("ipAddress"), UserAgent: textOf("userAgent", enrich.MaxUserAgent), Country: id("country"), City: id("city"),
		Device: id("device"), Browser: id("browser"), OS: id("os"), LandingPage: textOf("landingPage", enrich.MaxURL), Referrer: textOf("referrer", enrich.MaxURL),
		UTMSource: textOf("utmSource", enrich.MaxUTM), UTMMedium: textOf("utmMedium", enrich.MaxUTM), UTMCampaign: textOf("utmCampaign", enrich.MaxUTM),
	}
	s.Fit()
	d := &sessionDoc{
		SessionID: s.SessionID, VisitorID: text(s.VisitorID), CustomerID: text(s.CustomerID), OrderID: text(s.OrderID),
		IPAddress: text(s.IPAddress), UserAgent: text(s.UserAgent), Country: text(s.Country), City: text(s.City),
		Device: text(s.Device), Browser: text(s.Browser), OS: text(s.OS), LandingPage: text(s.LandingPage), Referrer: text(s.Referrer),
		UTMSource: text(s.UTMSource), UTMMedium: text(s.UTMMedium), UTMCampaign: text(s.UTMCampaign),
		PageViews: legacyCount(old["pageViews"]), StartedAt: &started, LastSeenAt: &seen,
		Version: 1, SecretHash: make([]byte, len(store.SecretHash{})), Values: map[string]valueDoc{}, Legacy: true,
	}
	d.ID = d.SessionID
	d.Type = string(store.TypeAnonymous)
	if d.CustomerID != nil {
		d.Type = string(store.TypeCustomer)
	}
	converted, _ := old["converted"].(bool)
	d.Converted = converted || d.OrderID != nil
	return d
}

func (b *batch) upgradeEvents(docs []bson.M) error {
	sessionOf, err := b.legacySessions(docs)
	if err != nil {
		return err
	}
	var successors []any
	for _, old := range docs {
		oid := old["_id"].(bson.ObjectID)
		id := uuid.NewSHA1(legacyEvents, oid[:]).String()
		created := cmp.Or(legacyTime(old["createdAt"]), legacyTime(old["timestamp"]), bson.NewDateTimeFromTime(oid.Timestamp()))
		d := &eventDoc{
			ID: id, EventID: id, SessionID: legacyID(old["sessionId"]), VisitorID: text(legacyID(old["visitorId"])), EventType: cmp.Or(enrich.Text(legacyText(old["eventType"]), 64), "unknown"),
			Page: text(enrich.Text(legacyText(old["page"]), enrich.MaxURL)), ProductID: text(legacyID(old["productId"])), Metadata: legacyMetadata(old["metadata"]), CreatedAt: &created,
		}
		if s, ok := sessionOf[d.SessionID]; ok {
			d.SessionID = s.SessionID
			if d.VisitorID == nil {
				d.VisitorID = s.VisitorID
			}
		}
		successors = append(successors, d)
	}
	_, err = b.insert(sessionEvents, successors)
	return err
}

type legacyOwner struct {
	SessionID string
	VisitorID *string
}

// legacySessions returns the sessions that events refer to, by the id that they
// use.
func (b *batch) legacySessions(docs []bson.M) (map[string]legacyOwner, error) {
	var names, ids bson.A
	for _, d := range docs {
		switch v := d["sessionId"].(type) {
		case bson.ObjectID:
			ids = append(ids, v)
		case string:
			names = append(names, v)
			if id, err := bson.ObjectIDFromHex(v); err == nil {
				ids = append(ids, id)
			}
		}
	}
	either := bson.A{}
	if len(names) > 0 {
		either = append(either, bson.M{"sessionId": bson.M{"$in": names}})
	}
	if len(ids) > 0 {
		either = append(either, bson.M{"_id": bson.M{"$in": ids}})
	}
	if len(either) == 0 {
		return nil, nil
	}
	found, err := all[bson.M](b.ctx, b.coll(sessions), bson.M{"$or": either}, options.Find().SetProjection(only("_id", "sessionId", "visitorId")))
	if err != nil {
		return nil, err
	}
	sessionOf := map[string]legacyOwner{}
	for _, s := range found {
		oid, isOld := s["_id"].(bson.ObjectID)
		owner := legacyOwner{legacyID(s["sessionId"]), text(legacyID(s["visitorId"]))}
		if isOld {
			owner.SessionID = cmp.Or(owner.SessionID, oid.Hex())
			sessionOf[oid.Hex()] = owner
		}
		sessionOf[owner.SessionID] = owner
	}
	return sessionOf, nil
}

// maxLegacyID is the longest id, and the longest short text, in bytes.
const maxLegacyID = 128

func legacyID(v any) string { return enrich.Text(legacyText(v), maxLegacyID) }

func legacyText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.ToValidUTF8(v, "\uFFFD")
	case bson.ObjectID:
		return v.Hex()
	case bool, int32, int64, float64:
		return fmt.Sprint(v)
	}
	return ""
}

func legacyCount(v any) int64 {
	switch v := v.(type) {
	case int32:
		return max(0, int64(v))
	case int64:
		return max(0, v)
	case float64:
		return max(0, int64(v))
	}
	return 0
}

// legacyTime returns a time, or 0 if the value is not a time.
func legacyTime(v any) bson.DateTime {
	switch v := v.(type) {
	case bson.DateTime:
		return v
	case string:
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return moment(t)
		}
	}
	return 0
}

// legacyMetadata returns metadata of any type as a JSON object that an event may have;
// of what is too large or too deep for one, the beginning as text.
func legacyMetadata(v any) *string {
	raw := legacyJSON(v)
	if raw == nil {
		return nil
	}
	clean, err := enrich.Metadata(raw)
	if err == nil {
		return text(string(clean))
	}
	const most = 2 << 10 // in quotes it takes at most twice as much
	b, err := jsontext.Marshal(map[string]string{"cut": enrich.Text(string(raw), most)})
	if err != nil {
		return nil
	}
	return text(string(b))
}

func legacyJSON(v any) json.RawMessage {
	switch v := v.(type) {
	case nil, bson.Null, bson.Undefined:
		return nil
	case string:
		if v == "" {
			return nil
		}
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(v), &object) == nil && object != nil {
			return json.RawMessage(v)
		}
	case bson.M, bson.D:
		if b, err := bson.MarshalExtJSON(v, false, false); err == nil {
			return b
		}
	}
	b, err := bson.MarshalExtJSON(bson.D{{Key: "value", Value: v}}, false, false)
	if err != nil {
		return nil
	}
	return b
}
