//! A stored key set, as an earlier process may have left it.
//! Never accepts keys that a fetch of the same bytes would not give, or a set whose age decreased.

use std::{sync::LazyLock, time::Duration};

use login_common::UnixTime;
use login_protocols::jose::KeySet;
use login_server::evidence::persisted::{Owner, Stored};

const NOW: UnixTime = UnixTime::from_seconds(1_900_000_000);
const DAY: Duration = Duration::from_hours(24);
/// How much two clocks may differ.
const SKEW: Duration = Duration::from_mins(5);

const ISSUER: &str = "https://id.example.com";
const DISCOVERY: &str = "https://id.example.com/.well-known/openid-configuration";

static OWNER: LazyLock<Owner> = LazyLock::new(|| Owner::new(ISSUER, DISCOVERY, ""));
static OTHERS: LazyLock<[Owner; 3]> = LazyLock::new(|| {
    [
        Owner::new("https://other.example.com", DISCOVERY, ""),
        Owner::new(ISSUER, "https://other.example.com/", ""),
        Owner::new(ISSUER, DISCOVERY, "another authority"),
    ]
});

/// One input: as a file, and as a key set that is fetched and then stored.
pub fn run(data: &[u8]) {
    if let Some(stored) = OWNER.read(data, NOW) {
        check_file(data, &stored);
    }
    if KeySet::parse(data).is_ok() {
        check_kept(data.trim_ascii(), data, NOW);
    }
}

fn check_file(data: &[u8], stored: &Stored) {
    let Stored { keys, document, confirmed_at } = stored;
    assert!(*confirmed_at <= NOW, "confirmed {confirmed_at:?}");
    assert!(data.windows(document.len()).any(|part| part == document), "keys from elsewhere");
    let Ok(fetched) = KeySet::parse(document) else { panic!("a fetch would refuse this set") };
    assert_eq!(format!("{keys:?}"), format!("{fetched:?}"));
    for other in &*OTHERS {
        assert!(other.read(data, NOW).is_none(), "keys of another owner");
    }
    // A day later it is a day older, except for a confirmation slightly ahead of the clock.
    let later = OWNER.read(data, NOW.plus(DAY));
    assert!(
        later.is_some_and(|later| later.confirmed_at.since(*confirmed_at) <= SKEW),
        "the set got younger"
    );
    // Before the time of its confirmation, its age is unknown. Time does not begin that early for
    // each of them.
    let before = confirmed_at.minus(SKEW + Duration::from_secs(1));
    let is_before = confirmed_at.since(before) > SKEW;
    assert!(!is_before || OWNER.read(data, before).is_none(), "of unknown age");
    check_kept(document, document, *confirmed_at);
}

/// A stored key set is read back unchanged.
fn check_kept(expected: &[u8], key_set: &[u8], confirmed_at: UnixTime) {
    let Some(content) = OWNER.written(key_set, confirmed_at) else { panic!("cannot be written") };
    let Some(again) = OWNER.read(&content, NOW) else { panic!("cannot be read back") };
    assert_eq!(again.document, expected);
    assert_eq!(again.confirmed_at, confirmed_at);
}
