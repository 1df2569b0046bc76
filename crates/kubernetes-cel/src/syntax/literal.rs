//! The escapes of string and bytes literals.
//! Never a quote or prefix: the lexer removes them.

const UNKNOWN: &str = "an escape in this text is not one of the language";
const NO_CHARACTER: &str = "an escape in this text is no character";

/// One piece of a literal.
enum Piece {
    Character(char),
    /// `\x41` or `\101`: a character in a string, a byte in bytes.
    Number(u8),
    /// `\u00e9`: in strings only.
    CodePoint(u32),
}

/// The string of a literal.
pub(super) fn text(content: &str, raw: bool) -> Result<String, &'static str> {
    let mut text = String::with_capacity(content.len());
    pieces(content, raw, |piece| {
        text.push(match piece {
            Piece::Character(character) => character,
            Piece::Number(number) => char::from(number),
            Piece::CodePoint(point) => char::from_u32(point).ok_or(NO_CHARACTER)?,
        });
        Ok(())
    })?;
    Ok(text)
}

/// The bytes of a literal.
pub(super) fn bytes(content: &str, raw: bool) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::with_capacity(content.len());
    pieces(content, raw, |piece| {
        match piece {
            Piece::Character(character) => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Piece::Number(number) => bytes.push(number),
            Piece::CodePoint(_) => return Err(UNKNOWN),
        }
        Ok(())
    })?;
    Ok(bytes)
}

fn pieces(
    content: &str,
    raw: bool,
    mut take: impl FnMut(Piece) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    let mut characters = content.chars().peekable();
    while let Some(character) = characters.next() {
        take(match character {
            '\\' if !raw => escape(&mut characters)?,
            // Ends of lines are the same on every system.
            '\r' => {
                characters.next_if_eq(&'\n');
                Piece::Character('\n')
            }
            other => Piece::Character(other),
        })?;
    }
    Ok(())
}

fn escape(characters: &mut impl Iterator<Item = char>) -> Result<Piece, &'static str> {
    Ok(match characters.next().ok_or(UNKNOWN)? {
        'a' => Piece::Character('\u{7}'),
        'b' => Piece::Character('\u{8}'),
        'f' => Piece::Character('\u{c}'),
        'n' => Piece::Character('\n'),
        'r' => Piece::Character('\r'),
        't' => Piece::Character('\t'),
        'v' => Piece::Character('\u{b}'),
        same @ ('\\' | '\'' | '"' | '`' | '?') => Piece::Character(same),
        'x' | 'X' => Piece::Number(number(characters, 2, 16, 0)?),
        'u' => Piece::CodePoint(number(characters, 4, 16, 0)?),
        'U' => Piece::CodePoint(number(characters, 8, 16, 0)?),
        first @ '0'..='3' => {
            let first = first.to_digit(8).ok_or(UNKNOWN)?;
            Piece::Number(number(characters, 2, 8, first)?)
        }
        _ => return Err(UNKNOWN),
    })
}

fn number<N: TryFrom<u32>>(
    characters: &mut impl Iterator<Item = char>,
    digits: usize,
    radix: u32,
    first: u32,
) -> Result<N, &'static str> {
    let mut value = first;
    for _ in 0..digits {
        let digit = characters.next().and_then(|character| character.to_digit(radix));
        value = value.wrapping_mul(radix).wrapping_add(digit.ok_or(UNKNOWN)?);
    }
    N::try_from(value).map_err(|_| UNKNOWN)
}
