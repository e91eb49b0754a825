-- A session's latest order, and a customer's orders, are found without sorting or
-- reading others.
CREATE INDEX orders_latest ON orders (session_id, created_at, order_id);
CREATE INDEX orders_customer_id ON orders (customer_id) WHERE customer_id IS NOT NULL;
DROP INDEX orders_session_id;

-- Sessions that facts came for and that have no row: mostly they were deleted by
-- their age, and a late event came; or their beginning is still on its way. Their
-- events are a list like those of any session. Purge deletes them by their begin.
CREATE TABLE unknown_sessions (
	session_id TEXT PRIMARY KEY,
	began_at   INTEGER NOT NULL, -- by its id, otherwise the earliest of its events
	last_event INTEGER
) WITHOUT ROWID;

CREATE INDEX unknown_sessions_began_at ON unknown_sessions (began_at);

-- Until now such events were in no list and stayed for ever.
DELETE FROM session_events WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.session_id = session_events.session_id);
DELETE FROM session_values WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.session_id = session_values.session_id)
	AND NOT EXISTS (SELECT 1 FROM folded_sessions WHERE folded_sessions.session_id = session_values.session_id);
