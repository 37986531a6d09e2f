//! The shape of images, as it is typed.

/// `28x28` as rows and columns.
pub fn parse_image_shape(text: &str) -> Result<(usize, usize), String> {
    let side = |part: &str| part.parse().ok().filter(|&n: &usize| n > 0);
    text.split_once('x')
        .and_then(|(rows, columns)| Some((side(rows)?, side(columns)?)))
        .ok_or_else(|| "must be ROWSxCOLUMNS, such as 28x28".to_string())
}
