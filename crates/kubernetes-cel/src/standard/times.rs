//! Timestamps and durations: as texts, and their parts in UTC or in a named time zone.
//! Never uses the time zone or the zone files of the system: names come from a bundled table.

use jiff::tz::TimeZoneDatabase;

use super::calendar::Date;
use crate::error::EvaluationError;
use crate::function::{Function, Implementation, Overload};
use crate::types::Type;
use crate::value::{Duration, Timestamp, Value};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

pub(super) fn functions() -> Vec<Function> {
    vec![
        part("getFullYear", None, |given, _| parts("getFullYear", given, |at| at.date.year)),
        part("getMonth", None, |given, _| parts("getMonth", given, |at| at.date.month - 1)),
        part("getDayOfYear", None, |given, _| {
            parts("getDayOfYear", given, |at| at.date.day_of_year())
        }),
        part("getDayOfMonth", None, |given, _| parts("getDayOfMonth", given, |at| at.date.day - 1)),
        part("getDate", None, |given, _| parts("getDate", given, |at| at.date.day)),
        part("getDayOfWeek", None, |given, _| {
            parts("getDayOfWeek", given, |at| at.date.day_of_week())
        }),
        part("getHours", Some(|given, _| whole("getHours", given, 3_600 * SECOND)), |given, _| {
            parts("getHours", given, |at| at.second / 3_600)
        }),
        part("getMinutes", Some(|given, _| whole("getMinutes", given, 60 * SECOND)), |given, _| {
            parts("getMinutes", given, |at| at.second / 60 % 60)
        }),
        part("getSeconds", Some(|given, _| whole("getSeconds", given, SECOND)), |given, _| {
            parts("getSeconds", given, |at| at.second % 60)
        }),
        part(
            "getMilliseconds",
            Some(|given, _| whole("getMilliseconds", given, SECOND / 1_000)),
            |given, _| parts("getMilliseconds", given, |at| at.nanosecond / 1_000_000),
        ),
    ]
}

/// Of a timestamp, in UTC or in a zone, and of a duration where it has one.
fn part(
    name: &'static str,
    of_duration: Option<Implementation>,
    of_timestamp: Implementation,
) -> Function {
    let overloads = [
        Overload::member([Type::Timestamp], Type::Int, of_timestamp),
        Overload::member([Type::Timestamp, Type::String], Type::Int, of_timestamp),
    ];
    let of_duration = of_duration
        .map(|implementation| Overload::member([Type::Duration], Type::Int, implementation));
    Function::new(name, overloads.into_iter().chain(of_duration))
}

/// A point in time in one zone.
struct At {
    date: Date,
    /// Of the day.
    second: i64,
    nanosecond: i64,
}

fn parts<'a>(
    name: &'static str,
    given: &[Value<'a>],
    choose: fn(&At) -> i64,
) -> Result<Value<'a>, EvaluationError> {
    let (time, offset) = match given {
        [Value::Timestamp(time)] => (*time, 0),
        [Value::Timestamp(time), Value::String(zone)] => {
            let offset = offset_in(zone, *time)
                .ok_or(EvaluationError::failed(name, "the text is not a time zone"))?;
            (*time, offset)
        }
        _ => return Err(EvaluationError::no_overload(name)),
    };
    Ok(Value::Int(choose(&at(time, offset))))
}

fn at(time: Timestamp, offset: i64) -> At {
    let local = time.seconds() + offset;
    At {
        date: Date::from_days(local.div_euclid(DAY)),
        second: local.rem_euclid(DAY),
        nanosecond: i64::from(time.nanoseconds()),
    }
}

fn whole<'a>(
    name: &'static str,
    given: &[Value<'a>],
    unit: i64,
) -> Result<Value<'a>, EvaluationError> {
    match given {
        [Value::Duration(duration)] => duration
            .nanoseconds
            .checked_div(unit)
            .map(Value::Int)
            .ok_or(EvaluationError::overflow(name)),
        _ => Err(EvaluationError::no_overload(name)),
    }
}

/// Seconds east of UTC: of `America/Los_Angeles` at that time, or of `-08:00`.
fn offset_in(zone: &str, time: Timestamp) -> Option<i64> {
    let Some((hours, minutes)) = zone.split_once(':') else {
        if zone.is_empty() || zone == "UTC" {
            return Some(0);
        }
        let found = TimeZoneDatabase::bundled().get(zone).ok()?;
        // The table accepts names in any case, Go only in the right one.
        if found.iana_name() != Some(zone) {
            return None;
        }
        let (first, last) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        let near = jiff::Timestamp::from_second(time.seconds().clamp(first, last)).ok()?;
        return Some(i64::from(found.to_offset(near).seconds()));
    };
    let hours: i32 = hours.parse().ok()?;
    let minutes: i32 = minutes.parse().ok()?;
    let hours = i64::from(hours).checked_mul(60)?;
    let minutes = i64::from(minutes);
    let total = if zone.starts_with('-') { hours - minutes } else { hours + minutes };
    Some(total * 60)
}

/// As Go's `time.ParseDuration`.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    const LIMIT: u64 = 1 << 63;
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Some(Duration { nanoseconds: 0 });
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let length =
            after.find(|next: char| next == '.' || next.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(length)?;
        let unit = unit_nanoseconds(unit)?;
        let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
        let value = whole.checked_mul(unit)?.checked_add(part_of(fraction, unit)?)?;
        total = total.checked_add(value).filter(|total| *total <= LIMIT)?;
        rest = after;
    }
    let nanoseconds = if negative {
        i64::try_from(-i128::from(total)).ok()?
    } else {
        i64::try_from(total).ok()?
    };
    Some(Duration { nanoseconds })
}

fn digits(text: &str) -> (&str, &str) {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(length).unwrap_or(("", text))
}

fn unit_nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `.fraction` of a unit, in nanoseconds; digits beyond what a number holds do not count.
fn part_of(fraction: &str, unit: u64) -> Option<u64> {
    let fraction = fraction.get(..fraction.len().min(18))?;
    if fraction.is_empty() {
        return Some(0);
    }
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value = u128::from(fraction.parse::<u64>().ok()?) * u128::from(unit) / scale;
    u64::try_from(value).ok()
}

/// As Go's `d.Seconds()` with the shortest digits.
pub(crate) fn show_duration(duration: Duration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "as Go does it")]
    let seconds =
        (duration.nanoseconds / SECOND) as f64 + (duration.nanoseconds % SECOND) as f64 / 1e9;
    format!("{seconds}s")
}

/// As Go's `time.Parse` with RFC 3339.
pub(super) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(11)?;
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten()
    };
    let date = date.strip_suffix('T')?;
    let (year, month, day) = (date.get(..4)?, date.get(5..7)?, date.get(8..10)?);
    if date.get(4..5)? != "-" || date.get(7..8)? != "-" {
        return None;
    }
    let date = Date::new(number(year)?, number(month)?, number(day)?)?;
    let (hour, rest) = rest.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let (second, rest) = rest.split_at_checked(2)?;
    if !(1..=2).contains(&hour.len()) || minute.len() != 2 {
        return None;
    }
    let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanosecond, rest) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => {
            let (fraction, rest) = digits(rest);
            if fraction.is_empty() {
                return None;
            }
            (nanoseconds(fraction)?, rest)
        }
        None => (0, rest),
    };
    let offset = parse_offset(rest)?;
    let seconds = date.days() * DAY + hour * 3_600 + minute * 60 + second - i64::from(offset);
    Some(Timestamp::new(seconds, nanosecond)?.shown_with(offset))
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    let kept = fraction.get(..fraction.len().min(9))?;
    let missing = 9_u32.checked_sub(u32::try_from(kept.len()).ok()?)?;
    kept.parse::<u32>().ok()?.checked_mul(10_u32.checked_pow(missing)?)
}

/// `Z` or `+hh:mm`.
fn parse_offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let number = |text: &str| {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i32>().ok())
            .flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 24 && minutes <= 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// As Go's `time.RFC3339Nano`, with the offset that it came with.
pub(crate) fn show_timestamp(time: Timestamp) -> String {
    let At { date, second, nanosecond } = at(time, i64::from(time.offset()));
    let Date { year, month, day } = date;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let fraction = if nanosecond == 0 {
        String::new()
    } else {
        format!(".{nanosecond:09}").trim_end_matches('0').to_owned()
    };
    let zone = match time.offset() {
        0 => "Z".to_owned(),
        offset => {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.abs() / 60;
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
}
