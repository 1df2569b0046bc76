//! Authorization codes in SQLite.
//! Never lets two callers redeem one code: the rule runs under the write lock.

use login_common::UnixTime;
use rusqlite::{OptionalExtension as _, Row, params};

use super::{
    SqliteStore,
    sessions::{begin_session, revoke_session},
};
use crate::{
    opaque::Digest,
    store::{CodeRecord, CodeStep, CodeStore, StoreError},
};

impl CodeStore for SqliteStore {
    fn add_code(&self, code: &CodeRecord) -> Result<(), StoreError> {
        self.transaction("keep an authorization code", |transaction| {
            transaction.execute(
                "INSERT INTO codes (code, client_id, redirect_uri, challenge, nonce, scope, \
                 user_id, session_id, authenticated_at, expires_at, redeemed_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    code.code.as_bytes(),
                    code.client_id,
                    code.redirect_uri,
                    code.challenge,
                    code.nonce,
                    code.scope,
                    code.user_id,
                    code.session_id,
                    code.authenticated_at.as_seconds(),
                    code.expires_at.as_seconds(),
                    code.redeemed_at.map(UnixTime::as_seconds),
                ],
            )?;
            Ok(())
        })
    }

    fn redeem_code(
        &self,
        code: &Digest,
        rule: &dyn Fn(&CodeRecord) -> CodeStep,
    ) -> Result<Option<CodeRecord>, StoreError> {
        self.transaction("redeem an authorization code", |transaction| {
            let found = transaction
                .prepare_cached(
                    "SELECT code, client_id, redirect_uri, challenge, nonce, scope, user_id, \
                     session_id, authenticated_at, expires_at, redeemed_at \
                     FROM codes WHERE code = ?1",
                )?
                .query_row([code.as_bytes()], record)
                .optional()?;
            let Some(found) = found else { return Ok(None) };
            match rule(&found) {
                CodeStep::Leave => {}
                CodeStep::Redeem { at, session } => {
                    transaction.execute(
                        "UPDATE codes SET redeemed_at = ?2 WHERE code = ?1",
                        params![code.as_bytes(), at.as_seconds()],
                    )?;
                    if let Some(session) = session {
                        begin_session(transaction, &session)?;
                    }
                }
                CodeStep::Revoke { at } => revoke_session(transaction, &found.session_id, at)?,
            }
            Ok(Some(found))
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<CodeRecord> {
    Ok(CodeRecord {
        code: Digest::from_bytes(row.get(0)?),
        client_id: row.get(1)?,
        redirect_uri: row.get(2)?,
        challenge: row.get(3)?,
        nonce: row.get(4)?,
        scope: row.get(5)?,
        user_id: row.get(6)?,
        session_id: row.get(7)?,
        authenticated_at: UnixTime::from_seconds(row.get(8)?),
        expires_at: UnixTime::from_seconds(row.get(9)?),
        redeemed_at: row.get::<_, Option<i64>>(10)?.map(UnixTime::from_seconds),
    })
}
