-- No fact may cost more because much was stored before it.

-- The events of a folded session stay a list of their own, whose latest one stands
-- here, so that folding a session or taking it out again reads no event of the other
-- session. Sessions that were folded before stay folded for good.
DELETE FROM session_values WHERE session_id IN (SELECT session_id FROM folded_sessions);
DROP TABLE folded_sessions;
CREATE TABLE folded_sessions (
	session_id TEXT PRIMARY KEY,
	into_id    TEXT NOT NULL,
	last_event INTEGER,
	record     TEXT NOT NULL, -- JSON object: the session with its credentials
	folded_at  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX folded_sessions_into_id ON folded_sessions (into_id);

-- What a session that is not there yet takes over when it begins.
ALTER TABLE unknown_sessions ADD COLUMN page_views INTEGER NOT NULL DEFAULT 0;
ALTER TABLE unknown_sessions ADD COLUMN last_seen_at INTEGER NOT NULL DEFAULT 0;
UPDATE unknown_sessions SET page_views = events.views, last_seen_at = coalesce(events.seen, 0)
	FROM (SELECT session_id, count(CASE event_type WHEN 'page_view' THEN 1 END) AS views,
			max(CASE WHEN event_type NOT IN ('order_completed', 'refund') THEN created_at END) AS seen
		FROM session_events WHERE session_id IN (SELECT session_id FROM unknown_sessions) GROUP BY 1) AS events
	WHERE events.session_id = unknown_sessions.session_id;

-- The sum of what was refunded of an order that is not there yet.
CREATE TABLE awaited_refunds (
	order_id TEXT PRIMARY KEY,
	amount   INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO awaited_refunds SELECT order_id, min(sum(amount), 9223372036854775807) FROM refunds
	WHERE NOT EXISTS (SELECT 1 FROM orders WHERE orders.order_id = refunds.order_id) GROUP BY 1;
DROP INDEX refunds_order_id;

-- A revocation looks at those sessions of a customer that can be alive.
DROP INDEX sessions_customer_id;
CREATE INDEX sessions_customer_id ON sessions (customer_id, started_at) WHERE customer_id IS NOT NULL;
CREATE INDEX credential_changes_session_id ON credential_changes (session_id, version) WHERE session_id IS NOT NULL;

-- The first value of each key, kept for good.
CREATE TABLE first_values (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

-- Requests that are kept as a number alone: visits served without a session because a
-- cap was reached, and with bots = 1 views of software that are not in bot_views.
ALTER TABLE uncounted_visits ADD COLUMN bots INTEGER NOT NULL DEFAULT 0;
CREATE INDEX uncounted_visits_minute ON uncounted_visits (minute);

-- How far deleting by age has come: the time that it takes for now.
CREATE TABLE retention (
	id      INTEGER PRIMARY KEY CHECK (id = 1),
	horizon INTEGER NOT NULL
);
