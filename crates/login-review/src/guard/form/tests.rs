//! Tables of stable and unstable texts, and properties of all texts.

use proptest::prelude::*;

use super::*;
use crate::guard::{KUBEADM_ADMIN, KUBEADM_ADMINS, is_reserved_group, is_reserved_user};

#[test]
fn what_people_and_groups_are_called_is_stable() {
    for text in [
        "",
        "a",
        "jane.doe@example.com",
        "https://id.example.com#42",
        "a b  c",
        "CN=Admins,OU=Kubernetes,DC=example,DC=com",
        "5f6b3f0c-4a52-4d0e-9a4e-6a4f3c9b8d11",
        "Jürgen Groß",
        "José",
        "Łukasz",
        "Đặng Thị Hồng",
        "Ιωάννης",
        "Ирина",
        "יעל",
        "علي",
        "अनीता",
        "สมชาย",
        "개발팀",
        "開発チーム",
        "🚀-team",
        "a\u{e000}",
    ] {
        assert!(is_stable(text), "{text:?}");
    }
}

#[test]
fn what_trimming_normalising_or_dropping_changes_is_not_stable() {
    let blanks = " \t\n\u{b}\u{c}\r\u{85}\u{a0}\u{1680}\u{2000}\u{2003}\u{2009}\u{200a}\u{2028}\
                  \u{2029}\u{202f}\u{205f}\u{3000}\u{feff}\u{2800}";
    for blank in blanks.chars() {
        assert!(!is_stable(&format!("{blank}jane")), "{blank:?} first");
        assert!(!is_stable(&format!("jane{blank}")), "{blank:?} last");
        assert!(!is_stable(&blank.to_string()), "{blank:?} alone");
        assert_eq!(is_stable(&format!("ja{blank}ne")), blank == ' ', "{blank:?} within");
    }
    let unseen = "\0\u{1}\u{1b}\u{7f}\u{80}\u{9f}\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180e}\
                  \u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
                  \u{2060}\u{2064}\u{2066}\u{2067}\u{2068}\u{2069}\u{206f}\u{3164}\u{fe0f}\u{ffa0}\
                  \u{fff9}\u{e0001}\u{e0041}\u{e0100}";
    for character in unseen.chars() {
        for text in [
            format!("{character}jane"),
            format!("ja{character}ne"),
            format!("jane{character}"),
            format!("é{character}é"),
        ] {
            assert!(!is_stable(&text), "{text:?}");
        }
    }
    for (text, normalised) in [
        ("Jose\u{301}", "José"),
        ("\u{212b}", "Å"),
        ("\u{212a}ube", "Kube"),
        ("ｊａｎｅ", "jane"),
        ("system：masters", "system:masters"),
        ("ﬁnance", "finance"),
        ("ſystem", "system"),
        ("\u{1112}\u{1161}\u{11ab}", "한"),
    ] {
        assert!(!is_stable(text), "{text:?}");
        assert!(is_stable(normalised), "{normalised:?}");
    }
}

#[test]
fn a_name_is_reserved_in_whatever_case_and_form() {
    for user in [
        "system:masters",
        "System:Masters",
        "SYSTEM:",
        "sYsTeM:a",
        "ſystem:a",
        "ｓｙｓｔｅｍ:a",
        "system：a",
        "sys\u{200b}tem:a",
        "\u{feff}system:a",
        " system:a",
        "\u{2003}system:a",
        "Kubernetes-Admin",
        "kubernetes-admin\u{2028}",
        "\u{212a}ubernetes-admin",
        "kubernetes-adm\u{131}n",
    ] {
        assert!(folds_to_reserved_prefix(user) || folds_to(user, KUBEADM_ADMIN), "{user:?}");
    }
    for group in ["KUBEADM:cluster-admins", "kubeadm:cluster-adm\u{131}ns"] {
        assert!(is_reserved_group(group), "{group:?}");
    }
    for other in ["", "s", "system", "systems", "sýstem:a", "oidc:system:a", "système:a"] {
        assert!(!is_reserved_user(other) && !is_reserved_group(other), "{other:?}");
    }
}

/// A change that a hop may make.
fn changed(text: &str, way: u8) -> String {
    match way {
        0 => text.trim().to_owned(),
        1 => text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').to_owned(),
        2 => ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned(),
        3 => COMPATIBLE.normalize(text).into_owned(),
        4 => text.chars().filter(|c| !is_unseen(*c)).collect(),
        5 => text.to_lowercase(),
        6 => text.to_uppercase(),
        _ => text.to_ascii_lowercase(),
    }
}

/// Texts close to the reserved names, and any others.
fn any_name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("system:"),
        Just("SYSTEM:"),
        Just("ｓystem"),
        Just("ſystem"),
        Just("："),
        Just(":"),
        Just("kubernetes-admin"),
        Just("Kubernetes-Adm\u{131}n"),
        Just("\u{212a}ubeadm:cluster-admins"),
        Just("kubeadm:cluster-admİns"),
        Just("masters"),
    ]
    .prop_map(str::to_owned);
    let odd = prop::sample::select(
        " \t\u{a0}\u{2003}\u{2028}\u{200b}\u{200d}\u{202e}\u{2066}\u{feff}\u{ad}\u{301}é"
            .chars()
            .collect::<Vec<_>>(),
    )
    .prop_map(String::from);
    let any = any::<char>().prop_map(String::from);
    prop::collection::vec(prop_oneof![4 => piece, 3 => odd, 1 => any, 1 => "[a-zA-Z:]{0,6}"], 0..5)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn no_hop_changes_a_stable_name(text in any_name()) {
        if is_stable(&text) {
            for way in 0..=4 {
                prop_assert_eq!(&changed(&text, way), &text, "way {}", way);
            }
        }
    }

    #[test]
    fn no_hops_make_a_name_reserved_that_was_not(
        text in any_name(),
        ways in prop::collection::vec(0..8_u8, 0..4),
    ) {
        let is_free = is_stable(&text) && !is_reserved_user(&text) && !is_reserved_group(&text);
        if is_free {
            let arrived = ways.iter().fold(text, |text, way| changed(&text, *way));
            prop_assert!(!arrived.starts_with(RESERVED_PREFIX), "{:?}", arrived);
            prop_assert!(arrived != KUBEADM_ADMIN && arrived != KUBEADM_ADMINS, "{:?}", arrived);
        }
    }
}
