//! The example configuration is right, complete, and says the defaults.

use strongroom::config::Config;

const EXAMPLE: &str = include_str!("../strongroom.example.toml");

fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, strongroom::Error> {
    let environment = environment
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::parse(text, environment)
}

/// The example with its commented-out values in force.
fn with_defaults() -> String {
    let uncommented = |line: &str| match line.strip_prefix("# ") {
        // Alternatives to what the example has.
        Some(rest) if rest.starts_with("serial =") || rest.starts_with("url_file =") => {
            String::new()
        }
        Some(rest)
            if rest
                .split_once(" = ")
                .is_some_and(|(key, _)| !key.contains(' ')) =>
        {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    EXAMPLE
        .lines()
        .map(uncommented)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_parses_and_shows_the_defaults() {
    let mut as_it_is = parse(EXAMPLE, &[]).unwrap();
    let spelled_out = parse(&with_defaults(), &[]).unwrap();
    as_it_is.server.workers = spelled_out.server.workers; // depends on the machine
    assert_eq!(format!("{as_it_is:?}"), format!("{spelled_out:?}"));
}

#[test]
fn the_example_has_every_key() {
    let shown = format!("{:?}", parse(EXAMPLE, &[]).unwrap());
    let keys: Vec<&str> = EXAMPLE
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once(" = "))
        .map(|(key, _)| key)
        .collect();
    let mut fields = 0;
    for field in shown
        .split([' ', '{', ','])
        .filter_map(|word| word.strip_suffix(':'))
    {
        // The sections themselves, and the PIN that no file holds.
        if !["server", "token", "database", "gateway", "quota", "pin"].contains(&field) {
            assert!(keys.contains(&field), "{field} is not in the example");
            fields += 1;
        }
    }
    assert!(
        fields > 20,
        "found {fields} fields: does Debug look different?"
    );
}

#[test]
fn the_environment_wins() {
    let config = parse(
        EXAMPLE,
        &[
            ("STRONGROOM_TOKEN_SESSIONS", "16"),
            ("STRONGROOM_TOKEN_LABEL", "42"),
            (
                "STRONGROOM_GATEWAY_REGIONS",
                "[\"eu-west-1\", \"eu-west-2\"]",
            ),
            ("STRONGROOM_SERVER_LISTEN", "127.0.0.1:1"),
            ("STRONGROOM_TOKEN_PIN", "is not a value of the file"),
            ("STRONGROOM_TOKEN_SERIAL", ""),
            ("STRONGROOM_SERVICE_HOST", "10.0.0.1"),
        ],
    )
    .unwrap();
    assert_eq!(config.token.sessions, 16);
    assert_eq!(config.token.label.as_deref(), Some("42"));
    assert_eq!(config.regions().unwrap().unwrap().len(), 2);
    assert_eq!(config.server.listen.port(), 1);
}

#[test]
fn what_is_wrong_is_named() {
    for (environment, expected) in [
        (
            ("STRONGROOM_TOKEN_SERIAL", "1"),
            "exactly one of label and serial",
        ),
        (("STRONGROOM_TOKEN_PINFILE", "x"), "pinfile"),
        (
            ("STRONGROOM_SERVER_WORKERS", "0"),
            "server.workers must be at least 1",
        ),
        (("STRONGROOM_GATEWAY_REGIONS", "[\"Mars!\"]"), "Mars!"),
        (
            ("STRONGROOM_SERVER_LISTEN", "nowhere"),
            "invalid socket address",
        ),
    ] {
        let error = parse(EXAMPLE, &[environment]).unwrap_err();
        assert!(
            error.message().contains(expected),
            "{environment:?}: {}",
            error.message()
        );
    }
    assert!(parse("[token", &[]).is_err());
}

#[test]
fn the_debug_form_holds_no_password() {
    let url = ("STRONGROOM_DATABASE_URL", "postgresql://u:hunter2@db/x");
    assert!(!format!("{:?}", parse(EXAMPLE, &[url]).unwrap()).contains("hunter2"));
}
