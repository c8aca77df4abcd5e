//! The settings file: what is read is written and read again to the same, and a failure is a line's number and nothing of the line.
#![no_main]

use cast_core::clock;
use cast_core::settings::{self, Audit, Mask, Settings};
use cast_vault::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let settings = match settings::parse(text) {
        Ok(settings) => settings,
        Err(failure) => {
            let line = failure.message().strip_prefix("line ").and_then(|rest| {
                rest.strip_suffix(" of the settings is not valid: 'config.toml'")?.parse::<usize>().ok()
            });
            let lines = text.matches('\n').count() + 1;
            assert!(line.is_some_and(|line| (1..=lines).contains(&line)), "{failure} of {lines} lines");
            return;
        }
    };
    if let Some(span) = settings.stale_after {
        clock::is_older(Timestamp::parse("2026-01-15T10:30:00Z").expect("a time"), span);
    }
    let lines = text.matches('\n').count() + 1;
    for warning in &settings.unknown {
        let line = warning.strip_prefix("line ").and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        assert!(line.is_some_and(|line| (1..=lines).contains(&line)), "{warning} of {lines} lines");
    }
    let settings = Settings { unknown: Vec::new(), ..settings };
    let again = settings::parse(&written(&settings)).expect("what is written can be read");
    assert_eq!(format!("{again:?}"), format!("{settings:?}"));
});

fn written(settings: &Settings) -> String {
    let mask = match settings.mask {
        Mask::Auto => "auto",
        Mask::Always => "always",
        Mask::Never => "never",
    };
    let audit = match settings.audit {
        Audit::On => "on",
        Audit::Required => "required",
        Audit::Off => "off",
    };
    let agents: Vec<_> = settings.no_builtin.iter().map(|agent| format!("'{agent}'")).collect();
    let mut text = format!("mask = '{mask}'\naudit = '{audit}'\nno_builtin = [{}]\n", agents.join(", "));
    if let Some(span) = settings.stale_after {
        // The only way to see a span is its `Debug`, and that is how jiff writes spans.
        let span = format!("{span:?}");
        let span = span.strip_prefix("TimeSpan(").and_then(|span| span.strip_suffix(')')).expect("a span");
        // To jiff `2m` is two minutes, and by itself to cast two months.
        let minutes = span.strip_suffix('m').is_some_and(|number| number.parse::<u64>().is_ok());
        text += &format!("stale_after = '{span}{}'\n", if minutes { "ins" } else { "" });
    }
    text
}
