CREATE TABLE signing_keys (
    key_id       TEXT PRIMARY KEY,
    pkcs8        BLOB NOT NULL,
    activates_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sealing_key (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    key      BLOB NOT NULL
) STRICT;

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL COLLATE NOCASE UNIQUE,
    password_hash TEXT NOT NULL,
    groups        TEXT NOT NULL, -- JSON array of text
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE clients (
    id         TEXT PRIMARY KEY,
    secret     BLOB NOT NULL,
    groups     TEXT NOT NULL, -- JSON array of text
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE codes (
    code             BLOB PRIMARY KEY,
    client_id        TEXT NOT NULL,
    redirect_uri     TEXT NOT NULL,
    challenge        TEXT NOT NULL,
    nonce            TEXT,
    scope            TEXT NOT NULL,
    user_id          TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id       TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    redeemed_at      INTEGER
) STRICT;
CREATE INDEX codes_by_end ON codes (expires_at);
CREATE INDEX codes_by_user ON codes (user_id);

CREATE TABLE sessions (
    session_id       TEXT PRIMARY KEY,
    client_id        TEXT NOT NULL,
    user_id          TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope            TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    ends_at          INTEGER NOT NULL,
    revoked_at       INTEGER,
    generation       INTEGER NOT NULL,
    rotated_by       BLOB,
    rotated_at       INTEGER,
    idle_until       INTEGER NOT NULL -- the latest end of its refresh tokens
) STRICT;
CREATE INDEX sessions_by_end ON sessions (idle_until);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE refresh_tokens (
    token      BLOB PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);

CREATE TABLE devices (
    device_code      BLOB PRIMARY KEY,
    user_code        BLOB NOT NULL UNIQUE,
    client_id        TEXT NOT NULL,
    scope            TEXT NOT NULL,
    source           TEXT NOT NULL,
    source_network   TEXT NOT NULL, -- what the quota counts by: IPv4 address or IPv6 /64
    requested_at     INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    interval_seconds INTEGER NOT NULL,
    polled_at        INTEGER,
    decision         TEXT CHECK (decision IN ('approved', 'denied')),
    user_id          TEXT REFERENCES users (id) ON DELETE CASCADE,
    session_id       TEXT,
    authenticated_at INTEGER
) STRICT;
CREATE INDEX devices_by_end ON devices (expires_at);
CREATE INDEX devices_by_network ON devices (source_network);
CREATE INDEX devices_by_user ON devices (user_id);
