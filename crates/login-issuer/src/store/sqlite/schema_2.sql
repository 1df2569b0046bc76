-- Sessions that ended before their time, for as long as a token of theirs may live; they stay when
-- the session or its user is removed.
CREATE TABLE ended_sessions (
    session_id TEXT PRIMARY KEY,
    ended_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX ended_sessions_by_end ON ended_sessions (ended_at);
INSERT INTO ended_sessions (session_id, ended_at)
    SELECT session_id, revoked_at FROM sessions WHERE revoked_at IS NOT NULL;
