//! Latency against load, as a picture: a panel for each workload, a colour for each subject.
//!
//! Every text in it is ours, so nothing needs escaping but the title.

mod scale;

use super::results::{Results, Row, Who};
use scale::Scale;
use std::fmt::Write;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 48.0;
const HEAD: f64 = 64.0;
const COLUMNS: usize = 2;

/// Colours that are told apart by whoever sees colours in another way, on light and on dark.
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#444}.title{font-size:16px;font-weight:600;fill:#111}\
.name{font-size:13px;font-weight:600;fill:#111}.grid{stroke:#e4e4e4}.page{fill:#fff}\
.gateway{--c:#0b62c4}.noise{--c:#7a3fb0}.transit{--c:#c65102}.direct{--c:#5c6b73}\
.line{fill:none;stroke:var(--c);stroke-width:2}.p99{stroke-dasharray:5 4;stroke-width:1.4}\
.dot{fill:var(--c)}.at{font-size:10px;fill:var(--c)}\
@media(prefers-color-scheme:dark){text{fill:#bbb}.title,.name{fill:#eee}.grid{stroke:#333}\
.page{fill:#16181b}.gateway{--c:#5aa9ff}.noise{--c:#c28cf0}.transit{--c:#ff9a4d}.direct{--c:#a3b1b9}}";

/// Whom it shows: the class in the style, and the words of the legend.
const SUBJECTS: [(Who, &str, &str); 4] = [
    (Who::Gateway, "gateway", "gateway"),
    (Who::Beside, "noise", "gateway beside noise"),
    (Who::Transit, "transit", "OpenBao Transit"),
    (Who::Direct, "direct", "token alone"),
];

/// The picture, an SVG.
pub(super) fn svg(results: &Results, title: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for row in results.rows() {
        if !names.contains(&row.name) {
            names.push(row.name);
        }
    }
    let columns = names.len().clamp(1, COLUMNS);
    let width = WIDTH * columns as f64;
    let height = HEAD + HEIGHT * names.len().div_ceil(columns) as f64;
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"Latency against load\">\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"24\">{title}</text>\n"
    );
    legend(&mut svg, results);
    for (at, name) in names.iter().enumerate() {
        let (x, y) = (
            (at % columns) as f64 * WIDTH,
            (at / columns) as f64 * HEIGHT,
        );
        // Writing to a text does not fail.
        let _ = writeln!(svg, "<g transform=\"translate({x} {})\">", y + HEAD);
        panel(&mut svg, results, name);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn legend(svg: &mut String, results: &Results) {
    let mut x = LEFT;
    for (who, class, words) in SUBJECTS {
        if results.of(who).next().is_some() {
            let end = x + 22.0;
            let text = end + 6.0;
            let _ = writeln!(
                svg,
                "<g class=\"{class}\"><path class=\"line\" d=\"M{x} 44H{end}\"/></g>\
                 <text x=\"{text}\" y=\"48\">{words}</text>"
            );
            x = text + 6.4 * words.len() as f64 + 14.0;
        }
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"48\">solid p50, dashed p99; numbers are connections or threads</text>"
    );
}

/// One workload.
fn panel(svg: &mut String, results: &Results, name: &str) {
    let rows: Vec<&Row> = results
        .rows()
        .iter()
        .filter(|row| row.name == name)
        .collect();
    let rows = || rows.iter().copied().filter(|row| row.rate() > 0.0);
    let x = Scale::over(rows().map(Row::rate), (LEFT, WIDTH - RIGHT));
    let nanos = rows().flat_map(|row| [row.latency().p50, row.latency().p99]);
    let y = Scale::over(nanos.map(|it| it as f64), (HEIGHT - BOTTOM, TOP));
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let _ = writeln!(
        svg,
        "<text class=\"name\" x=\"{LEFT}\" y=\"20\">{name}</text>\
         <text x=\"{right}\" y=\"{}\" text-anchor=\"end\">requests a second</text>",
        HEIGHT - 12.0
    );
    for tick in x.ticks() {
        let at = x.at(tick);
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{at:.1} {TOP}V{bottom}\"/>\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            bottom + 16.0,
            scale::count(tick)
        );
    }
    for tick in y.ticks() {
        let at = y.at(tick);
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            scale::time(tick)
        );
    }
    for (who, class, _) in SUBJECTS {
        let mut rows: Vec<&Row> = rows().filter(|row| row.subject.who == who).collect();
        rows.sort_by_key(|row| (row.subject.rate, row.subject.at_once));
        if !rows.is_empty() {
            let _ = writeln!(svg, "<g class=\"{class}\">");
            series(svg, &rows, &x, &y);
            svg.push_str("</g>\n");
        }
    }
}

/// One subject's lines, with a dot for each load.
fn series(svg: &mut String, rows: &[&Row], x: &Scale, y: &Scale) {
    let line = |nanos: fn(&Row) -> u64| {
        let points = rows.iter().map(|row| {
            let (x, y) = (x.at(row.rate()), y.at(nanos(row) as f64));
            format!("{x:.1} {y:.1}")
        });
        points.collect::<Vec<_>>().join("L")
    };
    let p50 = line(|row| row.latency().p50);
    let p99 = line(|row| row.latency().p99);
    let _ = writeln!(
        svg,
        "<path class=\"line\" d=\"M{p50}\"/><path class=\"line p99\" d=\"M{p99}\"/>"
    );
    for row in rows {
        let (x, y) = (x.at(row.rate()), y.at(row.latency().p50 as f64));
        let label = match row.subject.rate {
            Some(_) => String::new(),
            None => row.subject.at_once.to_string(),
        };
        let _ = writeln!(
            svg,
            "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\"/>\
             <text class=\"at\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
            x + 5.0,
            y + 13.0
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::results::Subject;
    use crate::cli::bench::sample::{Latency, Sample};

    #[test]
    fn every_subject_has_its_lines_and_every_load_its_dot() {
        let mut results = Results::default();
        for (who, at_once, per_second) in [
            (Who::Gateway, 1, 1000.0),
            (Who::Gateway, 8, 4000.0),
            (Who::Direct, 1, 45_000.0),
        ] {
            let subject = Subject {
                who,
                at_once,
                rate: None,
            };
            let latency = Latency {
                p50: 900_000,
                p99: 2_000_000,
                ..Latency::default()
            };
            let sample = Sample {
                per_second,
                latency,
                ..Sample::default()
            };
            results.add("encrypt", subject, sample);
        }
        let svg = svg(&results, "a <gateway>");
        assert!(svg.contains("a &lt;gateway>"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
        assert_eq!(svg.matches("line p99").count(), 2, "{svg}");
        assert!(
            svg.contains("token alone") && !svg.contains("OpenBao"),
            "{svg}"
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
