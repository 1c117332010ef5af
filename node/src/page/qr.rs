//! QR codes as pictures.

use qrcode::{Color, QrCode};

/// Blank modules around the code (ISO/IEC 18004, 6.3.8).
const QUIET: usize = 4;

/// A text as a QR code: the address of a picture that needs no file of its own. `None` when the text is too long for one.
pub(super) fn picture(text: &str) -> Option<String> {
    Some(format!("data:image/svg+xml;base64,{}", data_encoding::BASE64.encode(svg(text)?.as_bytes())))
}

/// The same as the picture itself, in SVG.
pub(super) fn svg(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET));
        }
    }
    let side = width + 2 * QUIET;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn a_text_becomes_a_picture_and_a_book_does_not() {
        assert!(picture("essaim1abc").unwrap().starts_with("data:image/svg+xml;base64,"));
        assert_eq!(picture(&"x".repeat(10_000)), None);
    }
}
