package sqlitearchive

import (
	"context"
	"fmt"
	"time"

	"github.com/footfall-go/footfall/report"
)

// Shared returns false: only one process uses the database.
func (a *Archive) Shared() bool { return false }

// ClaimSlot inserts the slot; whoever can insert it owns it. Slots older than a
// week are deleted.
func (a *Archive) ClaimSlot(ctx context.Context, job string, slot time.Time) (claimed bool, err error) {
	d, err := a.writable(ctx)
	if err == nil {
		err = d.write.transact(ctx, func(c *conn) error {
			if err := c.exec(`INSERT INTO job_slots (job, slot) VALUES (?, ?) ON CONFLICT DO NOTHING`, job, slot.UnixMilli()); err != nil || c.changes() == 0 {
				return err
			}
			claimed = true
			return c.exec(`DELETE FROM job_slots WHERE job = ? AND slot < ?`, job, slot.Add(-7*24*time.Hour).UnixMilli())
		})
	}
	if err != nil {
		return false, fmt.Errorf("sqlitearchive: claim slot: %w", err)
	}
	return claimed, nil
}

// KeepFirst inserts the value unless the key has one.
func (a *Archive) KeepFirst(ctx context.Context, key, value string) (first string, err error) {
	d, err := a.writable(ctx)
	if err == nil {
		err = d.write.transact(ctx, func(c *conn) error {
			if err := c.exec(`INSERT INTO first_values (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING`, key, value); err != nil {
				return err
			}
			_, err := c.row(`SELECT value FROM first_values WHERE key = ?`, func(s *stmt) { first = s.columnText(0) }, key)
			return err
		})
	}
	if err != nil {
		return "", fmt.Errorf("sqlitearchive: keep first: %w", err)
	}
	return first, nil
}

// purgeEvents is about how many events one step of Purge deletes: the write lock is held
// meanwhile, and the write-ahead log gets as long as what is deleted. A session has up to
// 110,000, and one session is always deleted.
const purgeEvents = 20_000

// Purge deletes what is older than its retention, in small steps.
func (a *Archive) Purge(ctx context.Context, now, sessions, visitors time.Time, limit int) (deleted int, err error) {
	d, err := a.writable(ctx)
	if err == nil {
		err = d.write.transact(ctx, func(c *conn) error {
			deleted, err = a.purge(ctx, d, c, now, sessions, visitors, limit)
			c.stale = c.stale || deleted > 0
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("sqlitearchive: purge: %w", err)
	}
	return deleted, nil
}

func (a *Archive) purge(ctx context.Context, d *database, c *conn, now, sessions, visitors time.Time, limit int) (deleted int, err error) {
	_, last, err := d.lastChange(ctx)
	if err != nil {
		return 0, err
	}
	feedBefore := time.UnixMilli(feedHorizon(last, now.UnixMilli(), a.feedAge()))
	many, err := atOnce(c, sessions.UnixMilli(), limit)
	if err != nil {
		return 0, err
	}
	for _, step := range []struct {
		counts bool
		query  string
		before time.Time
	}{
		{false, `CREATE TEMP TABLE IF NOT EXISTS purged (number INTEGER PRIMARY KEY)`, time.Time{}},
		{false, `DELETE FROM purged`, time.Time{}},
		{true, oldSessions, sessions},
		{false, `DELETE FROM event_rows WHERE id IN (
			WITH RECURSIVE walk (id) AS (
				SELECT last_event FROM sessions WHERE number IN (SELECT number FROM purged) AND last_event IS NOT NULL
				UNION ALL
				SELECT last_event FROM folded_sessions WHERE into_number IN (SELECT number FROM purged) AND last_event IS NOT NULL
				UNION ALL
				SELECT e.previous FROM event_rows e JOIN walk ON e.id = walk.id WHERE e.previous IS NOT NULL
			) SELECT id FROM walk)`, time.Time{}},
		{false, `DELETE FROM session_values WHERE session IN (SELECT number FROM purged)`, time.Time{}},
		{false, `DELETE FROM session_values WHERE session IN (SELECT number FROM folded_sessions WHERE into_number IN (SELECT number FROM purged))`, time.Time{}},
		{false, `DELETE FROM folded_sessions WHERE into_number IN (SELECT number FROM purged)`, time.Time{}},
		{false, `DELETE FROM session_rows WHERE number IN (SELECT number FROM purged)`, time.Time{}},
		{false, `DELETE FROM activity WHERE session IN (SELECT number FROM purged)`, time.Time{}},
		{false, `DELETE FROM purged`, time.Time{}},
		{true, `INSERT INTO purged SELECT number FROM unknown_sessions WHERE began_at < ? ORDER BY began_at LIMIT ?`, sessions},
		{false, `DELETE FROM event_rows WHERE id IN (
			WITH RECURSIVE walk (id) AS (
				SELECT last_event FROM unknown_sessions WHERE number IN (SELECT number FROM purged) AND last_event IS NOT NULL
				UNION ALL
				SELECT e.previous FROM event_rows e JOIN walk ON e.id = walk.id WHERE e.previous IS NOT NULL
			) SELECT id FROM walk)`, time.Time{}},
		{false, `DELETE FROM session_values WHERE session IN (SELECT number FROM purged)`, time.Time{}},
		{false, `DELETE FROM unknown_sessions WHERE number IN (SELECT number FROM purged)`, time.Time{}},
		{true, `DELETE FROM bot_views WHERE id IN (SELECT id FROM bot_views WHERE created_at < ? ORDER BY created_at LIMIT ?)`, sessions},
		{true, `DELETE FROM uncounted_visits WHERE event_id IN (SELECT event_id FROM uncounted_visits WHERE minute < ? LIMIT ?)`, sessions},
		{true, `DELETE FROM credential_changes WHERE seq IN (` + oldChanges + `)`, feedBefore},
	} {
		args := []any{}
		if step.counts {
			args = append(args, step.before.UnixMilli(), limit)
		}
		if step.query == oldSessions {
			args[1] = many
		}
		if err := c.exec(step.query, args...); err != nil {
			return 0, err
		}
		if step.counts {
			deleted += int(c.changes())
		}
	}
	if deleted > 0 {
		if err := c.exec(`UPDATE report_days SET generation = random() WHERE day <= ?`, int64(report.DayOf(sessions))); err != nil {
			return 0, err
		}
	}
	if err := c.exec(returned, visitors.UnixMilli(), limit); err != nil {
		return 0, err
	}
	gone := int(c.changes())
	if err := c.exec(cameOnce, keyAt(visitors.UnixMilli()).arg(), visitors.UnixMilli(), limit-gone); err != nil {
		return 0, err
	}
	deleted += gone + int(c.changes())
	if err := c.exec(deleteWords, limit); err != nil {
		return 0, err
	}
	return deleted + int(c.changes()), nil
}

// Visitors who were last seen before a time. Those who came once are found by their ids,
// among those who were first seen before and came back.
const (
	returned = `DELETE FROM visitor_rows WHERE id IN (SELECT id FROM visitor_rows WHERE last_seen_at < ? ORDER BY last_seen_at LIMIT ?)`
	cameOnce = `DELETE FROM visitor_rows WHERE id IN (SELECT id FROM visitor_rows WHERE id >= x'' AND id < ? AND last_seen_at IS NULL AND first_seen_at < ? LIMIT ?)`
)

const oldSessions = `INSERT INTO purged SELECT number FROM session_rows WHERE started_at < ? ORDER BY started_at, number LIMIT ?`

// atOnce returns how many of the oldest sessions, at most limit, one step deletes: those
// that have purgeEvents together, and one at least.
func atOnce(c *conn, before int64, limit int) (many int, err error) {
	var numbers []int64
	if err := c.rows(`SELECT number FROM session_rows WHERE started_at < ? ORDER BY started_at, number LIMIT ?`, func(s *stmt) { numbers = append(numbers, s.columnInt(0)) },
		before, max(limit, 0)); err != nil || len(numbers) == 0 {
		return 0, err
	}
	for left := int64(purgeEvents); many < len(numbers); many++ {
		if _, err := c.row(`SELECT count(*) FROM (`+walkEvents+` SELECT id FROM walk LIMIT ?2)`, func(s *stmt) { left -= s.columnInt(0) }, numbers[many], left+1); err != nil {
			return 0, err
		}
		if left < 0 {
			break
		}
	}
	return max(many, 1), nil
}
