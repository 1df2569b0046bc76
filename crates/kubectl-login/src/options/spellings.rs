//! Tables of spellings: ours come first, then those of other programs for the same.

/// The first `N` spellings of a table: ours, without those of other programs.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
pub(super) const fn spellings<const N: usize, T>(known: &[(&'static str, T)]) -> [&'static str; N] {
    let mut choices = [""; N];
    let mut index = 0;
    while index < N {
        choices[index] = known[index].0;
        index += 1;
    }
    choices
}
