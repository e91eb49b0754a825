package mongoarchive

import (
	"maps"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/footfall-go/footfall"
)

// insertEvents inserts the round's events and notes the activity that they are.
// Of an event that was there already, what is stored counts.
func (b *batch) insertEvents() error {
	if len(b.events) == 0 {
		return nil
	}
	old := map[string]bool{}
	for rest := b.events; len(rest) > 0; {
		command, n := appendInsert(b.command[:0], rest)
		b.command = command
		there, err := b.runInsert(command)
		if err != nil {
			return err
		}
		for _, i := range there {
			old[rest[i].EventID] = true
		}
		rest = rest[n:]
	}
	for _, e := range b.events {
		if !old[e.EventID] {
			b.noteEvent(e.SessionID, e.EventType, e.CreatedAt.UnixMilli())
		}
	}
	names := make([]string, 0, len(old))
	for id := range old {
		names = append(names, id)
	}
	for len(names) > 0 {
		n := min(len(names), idsPerQuery)
		stored, err := all[eventDoc](b.ctx, b.coll(sessionEvents), bson.M{"_id": bson.M{"$in": names[:n]}},
			options.Find().SetProjection(only("_id", "sessionId", "eventType", "createdAt")))
		if err != nil {
			return err
		}
		for _, d := range stored {
			b.noteEvent(d.SessionID, d.EventType, utc(d.CreatedAt).UnixMilli())
		}
		names = names[n:]
	}
	return nil
}

// noteEvent notes what an event of a touched session changes in it.
func (b *batch) noteEvent(sessionID, eventType string, at int64) {
	t := b.touched[sessionID]
	if t == nil { // an id that another session's event has
		return
	}
	switch eventType {
	case footfall.EventOrderCompleted, footfall.EventRefund: // no sign of the visitor: they may come long after the visit
	default:
		t.lastSeen = max(t.lastSeen, at)
	}
	t.views = t.views || eventType == footfall.EventPageView
}

// updateTouched writes what the round changed of some sessions. Counted after
// the insert and raised, never added to: then a replay changes nothing, and of
// two processes the one that inserts last counts all. What others were folded
// into is counted once more, because such a count can fall.
func (b *batch) updateTouched(ids []string) error {
	var viewed []string
	for _, id := range ids {
		if b.touched[id].views {
			viewed = append(viewed, id)
		}
	}
	views, hosts, err := b.countViews(viewed)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		delete(views, host)
	}
	matched, err := b.raise(ids, views)
	if err != nil {
		return err
	}
	if matched < int64(len(ids)) { // one was folded since it was looked up, or is not known at all
		if err := b.takeOut(ids); err != nil {
			return err
		}
		if _, err := b.raise(ids, views); err != nil {
			return err
		}
	}
	for _, host := range hosts {
		if err := b.recount(host); err != nil {
			return err
		}
	}
	return nil
}

// raise raises page views and last-seen times, and returns how many sessions
// there are to raise them of.
func (b *batch) raise(ids []string, views map[string]int64) (int64, error) {
	command, array := appendCommandStart(b.command[:0], "update", sessions, "updates")
	for i, id := range ids {
		command = appendRaise(command, strconv.Itoa(i), id, views[id], b.touched[id].lastSeen)
	}
	b.command = appendCommandEnd(command, array)
	return b.runUpdate(b.command)
}

const manyViews = 1000 // of a session: from here on the server counts

// countViews counts the page views of sessions with those folded into them, and
// names the sessions that have such.
func (b *batch) countViews(ids []string) (views map[string]int64, hosts []string, err error) {
	views = map[string]int64{}
	if len(ids) == 0 {
		return views, nil, nil
	}
	guests, err := b.guests(ids)
	if err != nil {
		return nil, nil, err
	}
	hosts = slices.Collect(maps.Keys(guests))
	large, err := b.ids(sessions, "sessionId", bson.M{"_id": bson.M{"$in": ids}, "pageViews": bson.M{"$gte": manyViews}})
	if err != nil {
		return nil, nil, err
	}
	var small []string
	home := map[string]string{}
	for _, id := range ids {
		if large[id] {
			family := append([]string{id}, guests[id]...)
			n, err := b.coll(sessionEvents).CountDocuments(b.ctx, bson.M{"sessionId": bson.M{"$in": family}, "eventType": footfall.EventPageView})
			if err != nil {
				return nil, nil, err
			}
			views[id] = n
			continue
		}
		home[id] = id
		small = append(small, id)
		for _, guest := range guests[id] {
			home[guest] = id
			small = append(small, guest)
		}
	}
	if len(small) == 0 {
		return views, hosts, nil
	}
	cursor, err := b.coll(sessionEvents).Find(b.ctx, bson.M{"sessionId": bson.M{"$in": small}, "eventType": footfall.EventPageView}, options.Find().SetProjection(only("sessionId")))
	if err != nil {
		return nil, nil, err
	}
	defer closeCursor(b.ctx, cursor)
	for cursor.Next(b.ctx) {
		if id, ok := cursor.Current.Lookup("sessionId").StringValueOK(); ok {
			views[home[id]]++
		}
	}
	return views, hosts, cursor.Err()
}
