//! Whether a name stays the same name on its way: no hop that trims, normalises or drops what is
//! invisible makes another one of it, and none makes a reserved one of it.
//! Never repairs a text; never allocates for one that is ASCII.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

use super::RESERVED_PREFIX;

const COMPATIBLE: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();

/// A letter without ink that is neither a blank nor a format character to Unicode.
const BRAILLE_BLANK: char = '\u{2800}';

/// Whether `text` begins and ends with something visible, has no control or invisible character
/// and no blank but the ASCII space, and is in Unicode's form NFKC. Go trims header values on the
/// way to an aggregated API server; directories, log stores and policy engines normalise. The
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

/// Whether `text` is `name`, or would be after letters changed their case.
pub(super) fn folds_to(text: &str, name: &str) -> bool {
    if text.is_ascii() {
        text.trim_ascii().eq_ignore_ascii_case(name)
    } else {
        folded(text) == name
    }
}

/// Whether `text` begins with [`RESERVED_PREFIX`], or would after letters changed their case.
pub(super) fn folds_to_reserved_prefix(text: &str) -> bool {
    let begins = |text: &str| {
        let begin = text.trim_ascii().as_bytes().get(..RESERVED_PREFIX.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(RESERVED_PREFIX.as_bytes()))
    };
    begins(text) || !text.is_ascii() && folded(text).starts_with(RESERVED_PREFIX)
}

/// The coarsest form that trimming, case, NFKC and the removal of what is invisible can reach.
fn folded(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_unseen(*c) || c.is_whitespace()).collect();
    // Upper case first: it joins letters, such as the dotless i, that lower case keeps apart.
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
