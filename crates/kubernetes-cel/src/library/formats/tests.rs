//! Which strings have which format.

use super::FORMATS;

fn faults(name: &str, text: &str) -> usize {
    let format = FORMATS.iter().find(|format| format.name == name).unwrap();
    (format.check)(text).len()
}

#[test]
fn a_string_of_the_format_has_no_faults() {
    let long = "a".repeat(63);
    for (name, texts) in [
        ("dns1123Label", &["abc", "a-b", "1", &long] as &[&str]),
        ("dns1123Subdomain", &["abc", "a.b-c.1"]),
        ("dns1035Label", &["a1"]),
        ("qualifiedName", &["Abc_1.x", "example.com/abc"]),
        ("dns1123LabelPrefix", &["abc-", "a--", "A-"]),
        ("labelValue", &["", "a_b.c"]),
        ("uri", &["http://a", "/a", "urn:x"]),
        ("uuid", &["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"]),
        ("byte", &["YWJj", "YQ==", "YWI="]),
        ("date", &["2024-02-29"]),
        ("datetime", &["2024-02-29T12:30:45Z", "2024-02-29t12:30:45.5+02:00"]),
    ] {
        for text in texts {
            assert_eq!(faults(name, text), 0, "{name} {text}");
        }
    }
}

#[test]
fn a_string_of_another_format_has_faults() {
    let long = "a".repeat(64);
    for (name, texts) in [
        ("dns1123Label", &["", "-a", "a-", "A", "a.b", "a_b", "\u{e9}", "a\n", &long] as &[&str]),
        ("dns1123Subdomain", &["a..b", ".a", "a.", "A.b"]),
        ("dns1035Label", &["1a", "a-"]),
        ("qualifiedName", &["example.com/", "/a", "a/b/c", "", "Example.com/a"]),
        ("dns1123LabelPrefix", &["-", "-a"]),
        ("labelValue", &["-a", "a b", &long]),
        ("uri", &["a", "", "#"]),
        ("uuid", &["", "123e4567", "123e4567-e89b-12d3-a456-42661417400g"]),
        ("byte", &["", "YQ=", "YQ", "a b", "====", "YWJj\n", "YW-_"]),
        ("date", &["2023-02-29", "2024-2-29", "", "10000-01-01"]),
        (
            "datetime",
            &["2024-02-29 12:30:45Z", "2024-02-29T24:00:00Z", "2024-02-29T12:30:45", "T", ""],
        ),
    ] {
        for text in texts {
            assert!(faults(name, text) > 0, "{name} {text:?}");
        }
    }
}
