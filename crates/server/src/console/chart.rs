//! Charts as SVG, drawn on the server: a series of columns with a scale, titles on each column, and a table beside
//! it in the page for those who cannot see it. Colours come from the style sheet by class.

use std::fmt::Write;

// As wide as a chart usually stands on the page, so that its text is as large as it says.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 160.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 22.0;
const TOP: f64 = 8.0;

/// One column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub label: String,
    pub value: f64,
    /// The value in words.
    pub shown: String,
}

/// Columns as an SVG element. All text in it is escaped.
pub(crate) fn columns(title: &str, columns: &[Column]) -> String {
    let highest = columns.iter().map(|column| column.value).fold(0.0, f64::max);
    let scale = nice_ceiling(highest);
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(title)
    );
    let plot = HEIGHT - BOTTOM - TOP;
    for quarter in 0..=2 {
        let value = scale * f64::from(quarter) / 2.0;
        let y = HEIGHT - BOTTOM - plot * f64::from(quarter) / 2.0;
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            short(value)
        );
    }
    let step = (WIDTH - LEFT) / columns.len().max(1) as f64;
    let labelled = columns.len().div_ceil(8).max(1);
    for (index, column) in columns.iter().enumerate() {
        let height = if scale > 0.0 { plot * column.value / scale } else { 0.0 };
        let (x, y) = (LEFT + step * index as f64 + step * 0.12, HEIGHT - BOTTOM - height);
        let _ = write!(
            svg,
            "<rect class=\"column\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\" rx=\"2\">\
             <title>{}: {}</title></rect>",
            step * 0.76,
            escaped(&column.label),
            escaped(&column.shown)
        );
        if index.is_multiple_of(labelled) {
            let _ = write!(
                svg,
                "<text class=\"tick x\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x + step * 0.38,
                HEIGHT - 6.0,
                escaped(&column.label)
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// The next even digit × 10ⁿ, at least 2: half of it is a whole number, as counts are.
fn nice_ceiling(value: f64) -> f64 {
    if value <= 2.0 {
        return 2.0;
    }
    let magnitude = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * magnitude)
        .find(|step| *step >= value)
        .unwrap_or(value)
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.1}M", value / 1e6),
        value if value >= 1e4 => format!("{:.0}k", value / 1e3),
        value if value >= 1e3 => format!("{:.1}k", value / 1e3),
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let column = Column { label: "<script>".into(), value: 3.0, shown: "\"3\" & more".into() };
        let svg = columns("a \"title\"", &[column]);
        assert!(
            !svg.contains("<script>") && svg.contains("&lt;script&gt;") && svg.contains("&quot;3&quot; &amp; more")
        );
    }

    #[test]
    fn scales_are_round() {
        assert_eq!([0.0, 3.0, 7.0, 20.0, 1_234.0].map(nice_ceiling), [2.0, 4.0, 8.0, 20.0, 2_000.0]);
        assert!(columns("empty", &[]).ends_with("</svg>"));
    }
}
