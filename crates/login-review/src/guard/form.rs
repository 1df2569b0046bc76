//! Checks that a name is stable: no later hop that trims, normalises or drops invisible characters
//! can change it, or turn it into a reserved one.
//! Never repairs a text; never allocates for an ASCII text.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

use super::RESERVED_PREFIX;

const COMPATIBLE: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();

/// Invisible, but to Unicode neither white space nor a format character.
const BRAILLE_BLANK: char = '\u{2800}';

/// Whether `text` begins and ends with a visible character, has no control or invisible character
/// and no white space but the ASCII space, and is in Unicode's form NFKC. Go trims header values on
/// the way to an aggregated API server; directories, log stores and policy engines normalise. The
/// empty text is stable, too.
pub fn is_stable(text: &str) -> bool {
    if text.starts_with(' ') || text.ends_with(' ') {
        return false;
    }
    if text.is_ascii() {
        return !text.bytes().any(|byte| byte.is_ascii_control());
    }
    !text.chars().any(is_unseen) && COMPATIBLE.is_normalized(text)
}

/// Whether `text` is `name`, or becomes it when letters change their case.
pub(super) fn folds_to(text: &str, name: &str) -> bool {
    if text.is_ascii() {
        text.trim_ascii().eq_ignore_ascii_case(name)
    } else {
        folded(text) == name
    }
}

/// Whether `text` begins with [`RESERVED_PREFIX`], or does when letters change their case.
pub(super) fn folds_to_reserved_prefix(text: &str) -> bool {
    let begins = |text: &str| {
        let begin = text.trim_ascii().as_bytes().get(..RESERVED_PREFIX.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(RESERVED_PREFIX.as_bytes()))
    };
    begins(text) || !text.is_ascii() && folded(text).starts_with(RESERVED_PREFIX)
}

/// The form after all of trimming, case folding, NFKC and the removal of invisible characters.
fn folded(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_unseen(*c) || c.is_whitespace()).collect();
    // Upper case first: it merges letters, such as the dotless i, that lower case keeps apart.
    let upper = COMPATIBLE.normalize(seen.trim()).to_uppercase();
    let lower = COMPATIBLE.normalize(&upper).to_lowercase();
    COMPATIBLE.normalize(lower.trim()).into_owned()
}

fn is_unseen(character: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, SpaceSeparator};
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    matches!(category, Control | Format | LineSeparator | ParagraphSeparator | SpaceSeparator)
        || character == BRAILLE_BLANK
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

#[cfg(test)]
mod tests;
