//! Device codes in SQLite.
//! Never stores more open ones than the quota allows.

use std::time::Duration;

use login_common::UnixTime;
use rusqlite::{OptionalExtension as _, Row, params, types::Type};

use super::{SqliteStore, sessions::begin_session};
use crate::{
    opaque::Digest,
    store::{DeviceDecision, DeviceQuota, DeviceRecord, DeviceStep, DeviceStore, StoreError},
    throttle::network_of,
};

const DEVICE: &str = "SELECT device_code, user_code, client_id, scope, source, requested_at, \
                      expires_at, interval_seconds, polled_at, decision, user_id, session_id, \
                      authenticated_at FROM devices";

impl DeviceStore for SqliteStore {
    fn add_device(&self, device: &DeviceRecord, quota: DeviceQuota) -> Result<bool, StoreError> {
        let network = network_of(device.source).to_string();
        self.transaction("keep a device code", |transaction| {
            // Decided requests that the device has not fetched count too: they expire like the
            // others.
            let (open, from_source): (u32, u32) = transaction.query_row(
                "SELECT count(*), count(*) FILTER (WHERE source_network = ?2) \
                 FROM devices WHERE expires_at > ?1",
                params![device.requested_at.as_seconds(), network],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            if open >= quota.open || from_source >= quota.open_per_source {
                return Ok(false);
            }
            transaction.execute(
                "INSERT INTO devices (device_code, user_code, client_id, scope, source, \
                 source_network, requested_at, expires_at, interval_seconds) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    device.device_code.as_bytes(),
                    device.user_code.as_bytes(),
                    device.client_id,
                    device.scope,
                    device.source.to_string(),
                    network,
                    device.requested_at.as_seconds(),
                    device.expires_at.as_seconds(),
                    seconds(device.interval),
                ],
            )?;
            Ok(true)
        })
    }

    fn open_device(
        &self,
        user_code: &Digest,
        now: UnixTime,
    ) -> Result<Option<DeviceRecord>, StoreError> {
        self.read("look up a user code", |connection| {
            connection
                .prepare_cached(&format!(
                    "{DEVICE} WHERE user_code = ?1 AND expires_at > ?2 AND decision IS NULL"
                ))?
                .query_row(params![user_code.as_bytes(), now.as_seconds()], record)
                .optional()
        })
    }

    fn decide_device(
        &self,
        user_code: &Digest,
        decision: &DeviceDecision,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let (word, user_id, session_id, authenticated_at) = match decision {
            DeviceDecision::Approved { user_id, session_id, authenticated_at } => {
                ("approved", Some(user_id), Some(session_id), Some(authenticated_at.as_seconds()))
            }
            DeviceDecision::Denied => ("denied", None, None, None),
        };
        self.transaction("decide about a device code", |transaction| {
            transaction
                .execute(
                    "UPDATE devices SET decision = ?3, user_id = ?4, session_id = ?5, \
                     authenticated_at = ?6 \
                     WHERE user_code = ?1 AND expires_at > ?2 AND decision IS NULL",
                    params![
                        user_code.as_bytes(),
                        now.as_seconds(),
                        word,
                        user_id,
                        session_id,
                        authenticated_at
                    ],
                )
                .map(|rows| rows == 1)
        })
    }

    fn poll_device(
        &self,
        device_code: &Digest,
        rule: &dyn Fn(&DeviceRecord) -> DeviceStep,
    ) -> Result<Option<DeviceRecord>, StoreError> {
        self.transaction("poll a device code", |transaction| {
            let found = transaction
                .prepare_cached(&format!("{DEVICE} WHERE device_code = ?1"))?
                .query_row([device_code.as_bytes()], record)
                .optional()?;
            let Some(found) = found else { return Ok(None) };
            match rule(&found) {
                DeviceStep::Leave => {}
                DeviceStep::Polled { at, interval } => {
                    transaction.execute(
                        "UPDATE devices SET polled_at = ?2, interval_seconds = ?3 \
                         WHERE device_code = ?1",
                        params![device_code.as_bytes(), at.as_seconds(), seconds(interval)],
                    )?;
                }
                DeviceStep::Finish { session } => {
                    transaction.execute(
                        "DELETE FROM devices WHERE device_code = ?1",
                        [device_code.as_bytes()],
                    )?;
                    if let Some(session) = session {
                        begin_session(transaction, &session)?;
                    }
                }
            }
            Ok(Some(found))
        })
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn record(row: &Row<'_>) -> rusqlite::Result<DeviceRecord> {
    let source: String = row.get(4)?;
    let decision: Option<String> = row.get(9)?;
    let decision = match decision.as_deref() {
        Some("approved") => Some(DeviceDecision::Approved {
            user_id: row.get(10)?,
            session_id: row.get(11)?,
            authenticated_at: UnixTime::from_seconds(row.get(12)?),
        }),
        Some(_) => Some(DeviceDecision::Denied),
        None => None,
    };
    Ok(DeviceRecord {
        device_code: Digest::from_bytes(row.get(0)?),
        user_code: Digest::from_bytes(row.get(1)?),
        client_id: row.get(2)?,
        scope: row.get(3)?,
        source: source.parse().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(4, Type::Text, Box::new(error))
        })?,
        requested_at: UnixTime::from_seconds(row.get(5)?),
        expires_at: UnixTime::from_seconds(row.get(6)?),
        interval: Duration::from_secs(u64::try_from(row.get::<_, i64>(7)?).unwrap_or(0)),
        polled_at: row.get::<_, Option<i64>>(8)?.map(UnixTime::from_seconds),
        decision,
    })
}
