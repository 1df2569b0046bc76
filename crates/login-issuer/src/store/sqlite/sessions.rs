//! Sessions and refresh tokens in SQLite.
//! Never lets two callers see the same generation and both advance it: the rule runs under the
//! write lock.

use login_common::UnixTime;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::SqliteStore;
use crate::{
    opaque::Digest,
    store::{
        NewSession, RefreshTokenRecord, Rotation, RotationStep, SessionRecord, SessionStore,
        StoreError,
    },
};

const SESSION: &str = "SELECT session_id, client_id, user_id, scope, authenticated_at, ends_at, \
                       revoked_at, generation, rotated_by, rotated_at FROM sessions";

impl SessionStore for SqliteStore {
    fn rotate(
        &self,
        token: &Digest,
        rule: &dyn Fn(&SessionRecord, &RefreshTokenRecord) -> RotationStep,
    ) -> Result<Option<(SessionRecord, RefreshTokenRecord)>, StoreError> {
        self.transaction("rotate a refresh token", |transaction| {
            let Some(presented) = refresh_token(transaction, token)? else { return Ok(None) };
            let Some(session) = session(transaction, &presented.session_id)? else {
                return Ok(None);
            };
            match rule(&session, &presented) {
                RotationStep::Leave => {}
                RotationStep::Advance { next, at } => {
                    transaction.execute(
                        "UPDATE sessions SET generation = ?2, rotated_by = ?3, rotated_at = ?4 \
                         WHERE session_id = ?1",
                        params![
                            session.session_id,
                            next.generation,
                            token.as_bytes(),
                            at.as_seconds()
                        ],
                    )?;
                    add_token(transaction, &next)?;
                }
                RotationStep::Sibling { next } => add_token(transaction, &next)?,
                RotationStep::Revoke { at } => {
                    revoke_session(transaction, &session.session_id, at)?;
                }
            }
            Ok(Some((session, presented)))
        })
    }

    fn end_sessions(
        &self,
        rule: &dyn Fn(&SessionRecord) -> bool,
        now: UnixTime,
    ) -> Result<Vec<String>, StoreError> {
        self.transaction("end revoked sessions", |transaction| {
            let mut ended = Vec::new();
            let mut statement =
                transaction.prepare(&format!("{SESSION} WHERE revoked_at IS NULL"))?;
            for session in statement.query_map([], record)? {
                let session = session?;
                if rule(&session) {
                    ended.push(session.session_id);
                }
            }
            for session_id in &ended {
                revoke_session(transaction, session_id, now)?;
            }
            Ok(ended)
        })
    }

    fn session(&self, session_id: &str) -> Result<Option<SessionRecord>, StoreError> {
        self.read("look up a session", |connection| session(connection, session_id))
    }

    fn sessions_ended_since(&self, since: UnixTime) -> Result<Vec<String>, StoreError> {
        self.read("list the sessions that ended", |connection| {
            connection
                .prepare_cached("SELECT session_id FROM ended_sessions WHERE ended_at >= ?1")?
                .query_map([since.as_seconds()], |row| row.get(0))?
                .collect()
        })
    }
}

pub(super) fn begin_session(connection: &Connection, new: &NewSession) -> rusqlite::Result<()> {
    let session = &new.session;
    connection.execute(
        "INSERT INTO sessions (session_id, client_id, user_id, scope, authenticated_at, ends_at, \
         revoked_at, generation, rotated_by, rotated_at, idle_until) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            session.session_id,
            session.client_id,
            session.user_id,
            session.scope,
            session.authenticated_at.as_seconds(),
            session.ends_at.as_seconds(),
            session.revoked_at.map(UnixTime::as_seconds),
            session.generation,
            session.rotation.as_ref().map(|rotation| *rotation.by.as_bytes()),
            session.rotation.map(|rotation| rotation.at.as_seconds()),
            new.token.expires_at.as_seconds(),
        ],
    )?;
    add_token(connection, &new.token)
}

pub(super) fn revoke_session(
    connection: &Connection,
    session_id: &str,
    at: UnixTime,
) -> rusqlite::Result<()> {
    end_sessions(connection, "session_id = ?1", session_id, at).map(|_| ())
}

/// Revokes the sessions that match `which`, a condition on `?1`, and lists them as ended. Returns
/// their number.
pub(super) fn end_sessions(
    connection: &Connection,
    which: &str,
    name: &str,
    at: UnixTime,
) -> rusqlite::Result<usize> {
    let found = format!("{which} AND revoked_at IS NULL");
    let parameters = params![name, at.as_seconds()];
    connection.execute(
        &format!(
            "INSERT OR IGNORE INTO ended_sessions (session_id, ended_at) \
             SELECT session_id, ?2 FROM sessions WHERE {found}"
        ),
        parameters,
    )?;
    connection.execute(&format!("UPDATE sessions SET revoked_at = ?2 WHERE {found}"), parameters)
}

fn add_token(connection: &Connection, token: &RefreshTokenRecord) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO refresh_tokens (token, session_id, generation, expires_at) \
         VALUES (?1, ?2, ?3, ?4)",
        params![
            token.token.as_bytes(),
            token.session_id,
            token.generation,
            token.expires_at.as_seconds()
        ],
    )?;
    connection.execute(
        "UPDATE sessions SET idle_until = max(idle_until, ?2) WHERE session_id = ?1",
        params![token.session_id, token.expires_at.as_seconds()],
    )?;
    Ok(())
}

fn refresh_token(
    connection: &Connection,
    token: &Digest,
) -> rusqlite::Result<Option<RefreshTokenRecord>> {
    connection
        .prepare_cached(
            "SELECT token, session_id, generation, expires_at FROM refresh_tokens WHERE token = ?1",
        )?
        .query_row([token.as_bytes()], |row| {
            Ok(RefreshTokenRecord {
                token: Digest::from_bytes(row.get(0)?),
                session_id: row.get(1)?,
                generation: row.get(2)?,
                expires_at: UnixTime::from_seconds(row.get(3)?),
            })
        })
        .optional()
}

fn session(connection: &Connection, session_id: &str) -> rusqlite::Result<Option<SessionRecord>> {
    connection
        .prepare_cached(&format!("{SESSION} WHERE session_id = ?1"))?
        .query_row([session_id], record)
        .optional()
}

fn record(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    let rotated_by: Option<[u8; 32]> = row.get(8)?;
    let rotated_at: Option<i64> = row.get(9)?;
    Ok(SessionRecord {
        session_id: row.get(0)?,
        client_id: row.get(1)?,
        user_id: row.get(2)?,
        scope: row.get(3)?,
        authenticated_at: UnixTime::from_seconds(row.get(4)?),
        ends_at: UnixTime::from_seconds(row.get(5)?),
        revoked_at: row.get::<_, Option<i64>>(6)?.map(UnixTime::from_seconds),
        generation: row.get(7)?,
        rotation: rotated_by.zip(rotated_at).map(|(by, at)| Rotation {
            by: Digest::from_bytes(by),
            at: UnixTime::from_seconds(at),
        }),
    })
}
