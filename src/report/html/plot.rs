//! Bars over time, as SVG: what they show is also in words or in a table.

use super::summary::thousands;
use crate::report::period::Steps;
use maud::{Markup, html};
use std::fmt::Write;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;

/// A name, its class in the style sheet, and a value for each step.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    pub(super) values: Vec<u64>,
}

/// The next number that is one of these and noughts.
fn ceiling(most: u64) -> u64 {
    const FIRST: [u64; 8] = [1, 2, 3, 4, 5, 6, 8, 10];
    let mut unit = 1u64;
    while let Some(next) = unit.checked_mul(10).filter(|next| *next < most) {
        unit = next;
    }
    let mut round = FIRST.iter().map(|first| unit.saturating_mul(*first));
    round.find(|round| *round >= most).unwrap_or(most)
}

/// One rectangle of a path.
fn rectangle(path: &mut String, x: f64, y: f64, width: f64, height: f64) {
    // Writing to a text does not fail.
    let _ = write!(path, "M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z");
}

/// Bars, one series on top of the other.
pub(super) fn bars(title: &str, steps: Steps, series: &[Series]) -> Markup {
    let total = |step: usize| -> u64 { series.iter().map(|one| one.values[step]).sum() };
    let most = ceiling((0..steps.many).map(total).max().unwrap_or(0));
    let (inner, high) = (WIDTH - LEFT, HEIGHT - TOP - BOTTOM);
    let slot = inner / steps.many as f64;
    let bar = (slot * 0.8).min(28.0);
    let x = |step: usize| LEFT + slot * step as f64 + (slot - bar) / 2.0;
    let scale = |value: u64| high * value as f64 / most as f64;
    let mut paths = vec![String::new(); series.len()];
    for step in 0..steps.many {
        let mut under = 0;
        for (one, path) in series.iter().zip(&mut paths) {
            let value = one.values[step];
            if value > 0 {
                let y = TOP + high - scale(under + value);
                rectangle(path, x(step), y, bar, scale(value));
            }
            under += value;
        }
    }
    let halves = if most > 1 { 2 } else { 1 };
    let lines: Vec<u64> = (0..=halves).map(|line| most * line / halves).collect();
    let apart = (steps.many / 8).max(1);
    let sum: u64 = (0..steps.many).map(total).sum();
    let described = format!(
        "{title}: {sum} in all, at most {most} a bar; each bar is {}",
        steps.each()
    );
    let used = || {
        series
            .iter()
            .filter(|one| one.values.iter().any(|value| *value > 0))
    };
    html! {
        figure {
            figcaption { (title) " " span.soft { "per " (steps.each()) } }
            svg.plot viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(described) {
                @for line in lines {
                    @let y = TOP + high - scale(line);
                    line.grid x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
                    text x=(LEFT - 8.0) y=(y + 4.0) text-anchor="end" { (thousands(line)) }
                }
                @for (one, path) in series.iter().zip(&paths) {
                    @if !path.is_empty() { path class=(one.class) d=(path) {} }
                }
                line.axis x1=(LEFT) x2=(WIDTH) y1=(TOP + high) y2=(TOP + high) {}
                @for step in (0..steps.many).step_by(apart).filter(|step| x(*step) < WIDTH - 70.0) {
                    text x=(x(step)) y=(HEIGHT - 7.0) { (label(steps, step)) }
                }
            }
            @if series.len() > 1 {
                ul.legend {
                    @for one in used() {
                        li { svg viewBox="0 0 10 10" aria-hidden="true" { rect.(one.class) width="10" height="10" {} } (one.name) }
                    }
                }
            }
        }
    }
}

/// The beginning of a step.
fn label(steps: Steps, step: usize) -> String {
    let start = steps.start(step);
    match steps.seconds < 86_400 {
        true => start.to_string().get(5..16).unwrap_or_default().to_owned(),
        false => start.day(),
    }
}

/// Small bars beside numbers, which say the same.
pub(super) fn spark(values: &[u64]) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let slot = 144.0 / values.len().max(1) as f64;
    let mut path = String::new();
    for (step, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
        let height = (20.0 * *value as f64 / most as f64).max(1.0);
        rectangle(
            &mut path,
            slot * step as f64,
            22.0 - height,
            (slot * 0.8).min(10.0),
            height,
        );
    }
    html! {
        svg.spark viewBox="0 0 144 22" preserveAspectRatio="none" aria-hidden="true" {
            line.grid x1="0" x2="144" y1="21.5" y2="21.5" {}
            @if !path.is_empty() { path.s0 d=(path) {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_round_and_holds_everything() {
        for (most, expected) in [
            (0, 1),
            (1, 1),
            (3, 3),
            (5, 5),
            (7, 8),
            (11, 20),
            (2600, 3000),
            (49_999, 50_000),
        ] {
            assert_eq!(ceiling(most), expected);
        }
        assert!(ceiling(u64::MAX / 2) >= u64::MAX / 2);
    }
}
