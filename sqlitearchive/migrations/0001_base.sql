-- Times are integer Unix milliseconds; what is not known is NULL.
--
-- sessions have row ids: a wide row goes to the end of its table, and indexes name
-- it by a small number. Databases from before have them WITHOUT ROWID, with the same
-- columns; that took a third longer for a new session.

CREATE TABLE sessions (
	session_id       TEXT NOT NULL PRIMARY KEY,
	visitor_id       TEXT NOT NULL,
	customer_id      TEXT,
	type             TEXT NOT NULL,
	ip_address       TEXT,
	user_agent       TEXT,
	country          TEXT,
	city             TEXT,
	device           TEXT,
	browser          TEXT,
	os               TEXT,
	landing_page     TEXT,
	referrer         TEXT,
	channel          TEXT,
	utm_source       TEXT,
	utm_medium       TEXT,
	utm_campaign     TEXT,
	utm_term         TEXT,
	utm_content      TEXT,
	page_views       INTEGER NOT NULL DEFAULT 0,
	started_at       INTEGER NOT NULL,
	last_seen_at     INTEGER NOT NULL,
	ended_at         INTEGER,
	end_reason       TEXT,
	converted        INTEGER NOT NULL DEFAULT 0,
	order_id         TEXT,
	-- credentials: they change together, and only to a higher version
	version          INTEGER NOT NULL,
	secret_hash      BLOB NOT NULL,
	superseded_hash  BLOB,
	authenticated_at INTEGER,
	-- the session's latest event; see session_events.previous
	last_event       INTEGER
);

-- What is looked up: days, a browser, a customer.
CREATE INDEX sessions_started_at ON sessions (started_at);
CREATE INDEX sessions_visitor_id ON sessions (visitor_id);
CREATE INDEX sessions_customer_id ON sessions (customer_id) WHERE customer_id IS NOT NULL;

-- The events of a session are a list: the session knows its latest, each event
-- the one before it. That finds them as quickly as an index on session_id and
-- costs an insert nothing; the index took a third of the time.
CREATE TABLE session_events (
	id         INTEGER PRIMARY KEY,
	event_id   TEXT NOT NULL UNIQUE,
	session_id TEXT NOT NULL,
	visitor_id TEXT NOT NULL,
	event_type TEXT NOT NULL,
	page       TEXT,
	product_id TEXT,
	metadata   TEXT,
	created_at INTEGER NOT NULL,
	previous   INTEGER
);

CREATE TABLE session_values (
	session_id TEXT NOT NULL,
	key        TEXT NOT NULL,
	value      TEXT, -- JSON; NULL: removed
	keep       INTEGER NOT NULL DEFAULT 0,
	set_at     INTEGER NOT NULL,
	PRIMARY KEY (session_id, key)
) WITHOUT ROWID;

CREATE TABLE visitors (
	visitor_id    TEXT NOT NULL PRIMARY KEY,
	first_seen_at INTEGER NOT NULL,
	last_seen_at  INTEGER NOT NULL -- the begin of the latest session
) WITHOUT ROWID;

CREATE INDEX visitors_last_seen_at ON visitors (last_seen_at);

CREATE TABLE orders (
	order_id    TEXT PRIMARY KEY,
	session_id  TEXT,
	visitor_id  TEXT,
	customer_id TEXT,
	amount      INTEGER NOT NULL, -- minor units
	currency    TEXT NOT NULL,
	refunded    INTEGER NOT NULL DEFAULT 0,
	metadata    TEXT,
	created_at  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX orders_session_id ON orders (session_id);
CREATE INDEX orders_created_at ON orders (created_at);

CREATE TABLE refunds (
	refund_id  TEXT PRIMARY KEY,
	order_id   TEXT NOT NULL,
	amount     INTEGER NOT NULL,
	currency   TEXT NOT NULL,
	created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX refunds_order_id ON refunds (order_id);

-- The feed of credential changes: a session's version, or a customer's time.
CREATE TABLE credential_changes (
	seq            INTEGER PRIMARY KEY AUTOINCREMENT,
	session_id     TEXT,
	version        INTEGER,
	customer_id    TEXT,
	revoked_before INTEGER,
	changed_at     INTEGER NOT NULL
);

CREATE INDEX credential_changes_changed_at ON credential_changes (changed_at);
CREATE INDEX credential_changes_customer_id ON credential_changes (customer_id, revoked_before) WHERE customer_id IS NOT NULL;

CREATE TABLE job_slots (
	job  TEXT NOT NULL,
	slot INTEGER NOT NULL,
	PRIMARY KEY (job, slot)
) WITHOUT ROWID;

-- What software asked for, apart from what people did.
CREATE TABLE bot_views (
	id         INTEGER PRIMARY KEY,
	event_id   TEXT NOT NULL UNIQUE,
	reason     TEXT NOT NULL,
	user_agent TEXT,
	ip_address TEXT,
	page       TEXT,
	created_at INTEGER NOT NULL
);

CREATE INDEX bot_views_created_at ON bot_views (created_at);

-- Visits served without a session because a cap was reached.
CREATE TABLE uncounted_visits (
	event_id TEXT PRIMARY KEY,
	minute   INTEGER NOT NULL,
	reason   TEXT NOT NULL,
	count    INTEGER NOT NULL
) WITHOUT ROWID;

-- Sessions that were folded into a sibling: whole, so that one whose cookie
-- comes back after all can be taken out again.
CREATE TABLE folded_sessions (
	session_id TEXT PRIMARY KEY,
	into_id    TEXT NOT NULL,
	event_ids  TEXT NOT NULL, -- JSON array: the events that went with it
	record     TEXT NOT NULL, -- JSON object: the session with its credentials
	folded_at  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX folded_sessions_into_id ON folded_sessions (into_id);
