-- Times are integer Unix milliseconds; what is not known is NULL.
--
-- The tables are narrow, because what a batch costs is the pages that it writes. Three
-- kinds of columns have no type, since what they hold stands for something else:
--   a key     an id: 16 bytes for a UUID, otherwise text (ids.go)
--   a word    a text, or the number of one in words (words.go)
--   a number  of a session: given when it is first heard of, kept for good. It is in
--             session_rows, folded_sessions or unknown_sessions
-- The views sessions, session_events and visitors show them as what they stand for.

CREATE TABLE session_rows (
	number           INTEGER PRIMARY KEY,
	id               NOT NULL UNIQUE, -- key
	visitor          NOT NULL,        -- key
	customer_id      TEXT,
	ip_address       TEXT,
	user_agent,                       -- this and those up to utm_content are words
	country,
	city,
	device,
	browser,
	os,
	landing_page,
	referrer,
	channel,
	utm_source,
	utm_medium,
	utm_campaign,
	utm_term,
	utm_content,
	page_views       INTEGER NOT NULL, -- this, last_seen_at and last_event count only
	started_at       INTEGER NOT NULL, -- while the session has no row in activity
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
	last_event                         -- key of the session's latest event; see event_rows.previous
);

-- What is looked up: days, a browser, a customer's sessions that can be alive.
CREATE INDEX session_rows_started_at ON session_rows (started_at);
CREATE INDEX session_rows_visitor ON session_rows (visitor);
CREATE INDEX session_rows_customer_id ON session_rows (customer_id, started_at) WHERE customer_id IS NOT NULL;

-- What facts change in a session that was there before them. Few pages have many of
-- these rows, so that views of many sessions write few pages.
CREATE TABLE activity (
	session      INTEGER PRIMARY KEY, -- number
	page_views   INTEGER NOT NULL,
	last_seen_at INTEGER NOT NULL,
	last_event
);

-- The events of a session are a list: the session knows its latest, each event the one
-- before it. That finds them as quickly as an index on the session and costs an insert
-- nothing.
CREATE TABLE event_rows (
	id         NOT NULL PRIMARY KEY, -- key
	session    INTEGER NOT NULL,     -- number
	visitor,                         -- key; NULL: that of the session
	event_type NOT NULL,             -- word
	page,                            -- word
	product_id TEXT,
	metadata   TEXT,
	created_at INTEGER NOT NULL,
	previous                         -- key of an event
) WITHOUT ROWID;

CREATE TABLE session_values (
	session INTEGER NOT NULL, -- number
	key     TEXT NOT NULL,    -- '': until when removed values were forgotten
	value   TEXT, -- JSON; NULL: removed
	keep    INTEGER NOT NULL DEFAULT 0,
	set_at  INTEGER NOT NULL,
	PRIMARY KEY (session, key)
) WITHOUT ROWID;

-- last_seen_at, the begin of the latest session, is NULL for a visitor who has one and
-- whose id says no later time: deleting by age finds such rows by their id.
CREATE TABLE visitor_rows (
	id            NOT NULL PRIMARY KEY, -- key
	first_seen_at INTEGER NOT NULL,
	last_seen_at  INTEGER
) WITHOUT ROWID;

CREATE INDEX visitor_rows_last_seen_at ON visitor_rows (last_seen_at) WHERE last_seen_at IS NOT NULL;

-- Texts that many visitors bring, by number. retired: nothing that was stored since the
-- next session's number was this one has the word; NULL: it is in use.
CREATE TABLE words (
	number  INTEGER PRIMARY KEY,
	text    TEXT NOT NULL,
	retired INTEGER
);

-- Also finds those that are in use without a look at the others, of which there are any number.
CREATE INDEX words_retired ON words (retired);

-- Sessions that were folded into a sibling: whole, so that one whose cookie comes back
-- after all can be taken out again. The events stay a list of their own, so that
-- neither reads an event of the other session.
CREATE TABLE folded_sessions (
	number      INTEGER PRIMARY KEY,
	id          NOT NULL UNIQUE,  -- key
	into_number INTEGER NOT NULL,
	last_event,
	record      TEXT NOT NULL,    -- JSON object: the session with its credentials
	folded_at   INTEGER NOT NULL
);

CREATE INDEX folded_sessions_into_number ON folded_sessions (into_number);

-- Sessions that facts came for and that have no row: mostly they were deleted by their
-- age, and a late event came; or their beginning is still on its way, and takes over
-- what is here. Purge deletes them by their begin.
CREATE TABLE unknown_sessions (
	number       INTEGER PRIMARY KEY,
	id           NOT NULL UNIQUE,  -- key
	began_at     INTEGER NOT NULL, -- by its id, otherwise the earliest of its events
	page_views   INTEGER NOT NULL,
	last_seen_at INTEGER NOT NULL,
	last_event
);

CREATE INDEX unknown_sessions_began_at ON unknown_sessions (began_at);

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

-- A session's latest order, and a customer's orders, are found without sorting or
-- reading others.
CREATE INDEX orders_latest ON orders (session_id, created_at, order_id);
CREATE INDEX orders_created_at ON orders (created_at);
CREATE INDEX orders_customer_id ON orders (customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE refunds (
	refund_id  TEXT PRIMARY KEY,
	order_id   TEXT NOT NULL,
	amount     INTEGER NOT NULL,
	currency   TEXT NOT NULL,
	created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- The sum of what was refunded of an order that is not there yet.
CREATE TABLE awaited_refunds (
	order_id TEXT PRIMARY KEY,
	amount   INTEGER NOT NULL
) WITHOUT ROWID;

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
CREATE INDEX credential_changes_session_id ON credential_changes (session_id, version) WHERE session_id IS NOT NULL;

-- Of each UTC day of which something was stored: another one after each batch that changes
-- what reports read of it, which are the sessions that began on it, with their events, and the
-- orders that were placed on it.
CREATE TABLE report_days (
	day        INTEGER PRIMARY KEY, -- days since 1970
	generation INTEGER NOT NULL
);

CREATE TABLE job_slots (
	job  TEXT NOT NULL,
	slot INTEGER NOT NULL,
	PRIMARY KEY (job, slot)
) WITHOUT ROWID;

-- The first value of each key, kept for good.
CREATE TABLE first_values (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

-- How far deleting by age has come: the time that it takes for now.
CREATE TABLE retention (
	id      INTEGER PRIMARY KEY CHECK (id = 1),
	horizon INTEGER NOT NULL
);

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

-- Requests that are kept as a number alone: visits served without a session because a
-- cap was reached, and with bots = 1 views of software that are not in bot_views.
CREATE TABLE uncounted_visits (
	event_id TEXT PRIMARY KEY,
	minute   INTEGER NOT NULL,
	reason   TEXT NOT NULL,
	count    INTEGER NOT NULL,
	bots     INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE INDEX uncounted_visits_minute ON uncounted_visits (minute);
