//! Quantities as `resource.ParseQuantity` reads them.

use super::amount::Amount;
use super::parse::amount;

fn text(quantity: &str) -> Option<String> {
    amount(quantity).map(Amount::text)
}

#[test]
fn units_are_powers_of_ten_and_two() {
    for (quantity, expected) in [
        ("1", "1e0"),
        ("1k", "1e3"),
        ("1Ki", "1024e0"),
        ("1500m", "15e-1"),
        ("1e3", "1e3"),
        ("1E", "1e18"),
        ("1e-10", "1e-9"),
        ("0.1n", "1e-9"),
        ("-.5", "-5e-1"),
        ("1.5Gi", "1610612736e0"),
        ("9Ei", "9223372036854775807e0"),
        (".", "0"),
        ("k", "0"),
        ("0.1Ki", "1024e-1"),
        ("12345678901234567890", "1234567890123456789e1"),
    ] {
        assert_eq!(text(quantity).as_deref(), Some(expected), "{quantity}");
    }
}

#[test]
fn what_is_no_quantity_is_refused() {
    for quantity in
        ["", " 1", "1 ", "1kB", "abc", "1K", "1ki", "1e", "1e3k", "--1", "1_000", "\u{ff11}"]
    {
        assert_eq!(text(quantity), None, "{quantity}");
    }
}

#[test]
fn only_numbers_that_were_written_whole_are_integers() {
    let integer = |quantity| amount(quantity).unwrap().as_integer();
    assert_eq!(integer("1k"), Some(1000));
    assert_eq!(integer("0.1k"), Some(100));
    assert_eq!(integer("1000m"), None);
    assert_eq!(integer("1.0"), None);
    assert_eq!(integer("10E"), None);
    assert_eq!(integer("9223372036854775808"), None);
}

#[test]
fn a_comparison_is_exact_whatever_the_exponents() {
    let compare = |left, right| amount(left).unwrap().compare(amount(right).unwrap()) as i8;
    assert_eq!(compare("1k", "1000"), 0);
    assert_eq!(compare("1k", "1Ki"), -1);
    assert_eq!(compare("1e100", "1"), 1);
    assert_eq!(compare("-1e100", "1"), -1);
    assert_eq!(compare("0.1", "100m"), 0);
    assert_eq!(compare("0", "-1n"), 1);
}

#[test]
fn a_sum_beyond_128_bits_is_refused() {
    let add = |left, right| amount(left).unwrap().add(amount(right).unwrap()).map(Amount::text);
    assert_eq!(add("9223372036854775807", "1").as_deref(), Some("9223372036854775808e0"));
    assert_eq!(add("500m", "1").as_deref(), Some("15e-1"));
    assert_eq!(add("1e100", "1"), None);
    let less = amount("1").unwrap().sub(amount("2").unwrap()).map(Amount::text);
    assert_eq!(less.as_deref(), Some("-1e0"));
}
