//! The example configuration is right, complete, and says the defaults.

mod reference;

use strongroom::config::Config;

const EXAMPLE: &str = include_str!("../../strongroom.example.toml");

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
        if ![
            "log",
            "server",
            "tls",
            "admin_tls",
            "certificate",
            "token",
            "database",
            "gateway",
            "audit",
            "forward",
            "witness",
            "log",
            "quota",
            "clusters",
            "oidc",
            "approval",
            "pin",
        ]
        .contains(&field)
        {
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
            ("STRONGROOM_TOKEN_MODULE", "1"),
            ("STRONGROOM_TOKEN_QUEUE_LENGTH", ""),
            // From Kubernetes, for a service named strongroom.
            ("STRONGROOM_SERVICE_HOST", "10.0.0.1"),
            ("STRONGROOM_PORT_7700_TCP", "tcp://10.0.0.1:7700"),
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
    assert_eq!(config.token.module, std::path::Path::new("1"));
    assert_eq!(config.token.queue_length, 1024);
    for (text, expected) in [("*", None), ("eu-west-1, eu-west-2", Some(2))] {
        let config = parse(EXAMPLE, &[("STRONGROOM_GATEWAY_REGIONS", text)]).unwrap();
        let regions = config.regions().unwrap();
        assert_eq!(regions.map(|regions| regions.len()), expected);
    }
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
        (("STRONGROOM_SERVER_LISTEN", "nowhere"), "server.listen"),
        (("STRONGROOM_SERVER_WORKERS", "many"), "server.workers"),
        (("STRONGROOM_TOKEN_DEADLINE_MS", "0"), "token.deadline_ms"),
        (("STRONGROOM_AUDIT_INTERVAL_MS", "10"), "audit.interval_ms"),
        (
            ("STRONGROOM_AUDIT_CHECKPOINT_SECONDS", "3601"),
            "audit.checkpoint_seconds",
        ),
        (
            ("STRONGROOM_AUDIT_CHECKPOINT_RECORDS", "0"),
            "audit.checkpoint_records",
        ),
        (
            ("STRONGROOM_DATABASE_URL_FILE", "x"),
            "exactly one of url and url_file",
        ),
    ] {
        let error = parse(EXAMPLE, &[environment]).unwrap_err();
        assert!(
            error.message().contains(expected),
            "{environment:?}: {}",
            error.message()
        );
    }
    let without = EXAMPLE.replace("\nurl = ", "\n# url = ");
    let error = parse(&without, &[]).unwrap_err();
    assert!(error.message().contains("exactly one of url and url_file"));
    let error = parse("[server]\nurl = \"hunter2\" x", &[]).unwrap_err();
    assert!(error.message().starts_with("line 2: "), "{error}");
    assert!(!error.message().contains("hunter2"), "{error}");
}

#[test]
fn the_debug_form_holds_no_password() {
    let url = ("STRONGROOM_DATABASE_URL", "postgresql://u:hunter2@db/x");
    assert!(!format!("{:?}", parse(EXAMPLE, &[url]).unwrap()).contains("hunter2"));
}

#[test]
fn a_pin_is_read_from_a_file_that_others_cannot_open() {
    use secrecy::ExposeSecret;
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (file, pin) = (dir.path().join("strongroom.toml"), dir.path().join("pin"));
    let text = EXAMPLE.replace("/etc/strongroom/pin", pin.to_str().unwrap());
    std::fs::write(&file, text).unwrap();
    let load = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Config::load_with(&file, variables.collect::<BTreeMap<String, String>>())
    };
    for (content, mode, expected) in [
        ("1234\n\n", 0o600, Ok("1234\n")),
        ("1234", 0o640, Ok("1234")),
        ("1234", 0o604, Err("chmod 600")),
        ("\n", 0o600, Err("is empty")),
    ] {
        std::fs::write(&pin, content).unwrap();
        std::fs::set_permissions(&pin, std::fs::Permissions::from_mode(mode)).unwrap();
        match (load(&[]), expected) {
            (Ok(config), Ok(expected)) => {
                assert_eq!(config.token.pin.expose_secret(), expected);
                assert!(!format!("{config:?}").contains("1234"));
            }
            (Err(error), Err(expected)) => assert!(error.message().contains(expected), "{error}"),
            (outcome, _) => panic!("{content:?}, {mode:o}: {outcome:?}"),
        }
    }
    let error = load(&[("STRONGROOM_TOKEN_PIN", "1234")]).unwrap_err();
    assert!(error.message().contains("only one of"), "{error}");
}

#[test]
fn clusters_are_named_in_the_file_or_all_at_once_in_the_environment() {
    let file = format!(
        "{EXAMPLE}\n[clusters.cluster-abcdefghijk]\nmodule = \"m.so\"\nlabel = \"payments\"\n"
    );
    let config = parse(&file, &[]).unwrap();
    let cluster = &config.clusters["cluster-abcdefghijk"];
    assert_eq!(cluster.label.as_deref(), Some("payments"));
    let variable = (
        "STRONGROOM_CLUSTERS",
        "{ cluster-lmnopqrstuv = { module = \"m.so\", serial = \"42\" } }",
    );
    let config = parse(&file, &[variable]).unwrap();
    assert_eq!(config.clusters.len(), 1);
    let cluster = &config.clusters["cluster-lmnopqrstuv"];
    assert_eq!(cluster.serial.as_deref(), Some("42"));
    for (wrong, why) in [
        (
            "{ payments = { module = \"m\", label = \"l\" } }",
            "clusters.payments",
        ),
        (
            "{ cluster-abcdefghijk = { module = \"m\" } }",
            "exactly one",
        ),
        (
            "{ cluster-abcdefghijk = { module = \"m\", label = \"l\", accounts = [\"1\"] } }",
            "accounts: \"1\"",
        ),
        // None is no list: whoever wants nobody to have the token leaves it out.
        (
            "{ cluster-abcdefghijk = { module = \"m\", label = \"l\", accounts = [] } }",
            "accounts is empty",
        ),
        ("not a table", "clusters"),
    ] {
        let error = parse(&file, &[("STRONGROOM_CLUSTERS", wrong)]).unwrap_err();
        assert!(error.message().contains(why), "{error}");
    }
}

#[test]
fn rules_for_approvals_are_checked() {
    let approvers =
        r#"approvers = ["arn:aws:iam::111122223333:user/a", "arn:aws:iam::111122223333:root"]"#;
    let rule = |more: &str| format!("{EXAMPLE}\n[[approval]]\n{more}\n{approvers}\n");
    let right = rule("operations = [\"DisableKey\", \"CreateUser\"]\napprovals = 2");
    let config = parse(&right, &[]).unwrap();
    assert_eq!(config.approval[0].approvals, 2);
    assert_eq!(config.approval[0].expires_seconds, 86_400);
    strongroom::gateway::approvals::rules(&config).unwrap();

    let wrong = |text: &str, expected: &str| {
        let parsed = parse(text, &[]).map(|config| strongroom::gateway::approvals::rules(&config));
        let error = match parsed {
            Ok(rules) => rules.expect_err(expected),
            Err(error) => error,
        };
        assert!(error.message().contains(expected), "{error}");
    };
    for (more, expected) in [
        ("operations = []\napprovals = 1", "operations is empty"),
        (
            "operations = [\"DisableKeys\"]\napprovals = 1",
            "\"DisableKeys\" is no operation",
        ),
        (
            "operations = [\"Decrypt\"]\napprovals = 1",
            "Decrypt changes nothing",
        ),
        (
            "operations = [\"AssumeRole\"]\napprovals = 1",
            "AssumeRole changes nothing",
        ),
        (
            "operations = [\"ApproveRequest\"]\napprovals = 1",
            "can need none itself",
        ),
        (
            "operations = [\"DenyRequest\"]\napprovals = 1",
            "can need none itself",
        ),
        ("operations = [\"DisableKey\"]\napprovals = 0", "at least 1"),
        (
            "operations = [\"DisableKey\"]\napprovals = 3",
            "approvals is 3, and approvers are only 2",
        ),
        (
            "operations = [\"DisableKey\"]\napprovals = 1\nexpires_seconds = 1",
            "expires_seconds must be from 60",
        ),
        (
            "operations = [\"DisableKey\"]\napprovals = 1\naccounts = [\"1\"]",
            "\"1\" is no account",
        ),
        (
            "operations = [\"DisableKey\"]\napprovals = 1\nquorum = 1",
            "quorum",
        ),
        (
            "operations = [\"DisableKey\", \"DisableKey\"]\napprovals = 1",
            "another rule covers DisableKey",
        ),
    ] {
        wrong(&rule(more), expected);
    }
    for (approver, expected) in [
        ("alice", "\"alice\" is not the ARN"),
        (
            "arn:aws:sts::111122223333:assumed-role/r/s",
            "is not the ARN",
        ),
        (
            "arn:aws:iam::111122223333:root\", \"arn:aws:iam::111122223333:root",
            "twice",
        ),
    ] {
        wrong(
            &format!(
                "{EXAMPLE}\n[[approval]]\noperations = [\"DisableKey\"]\napprovals = 1\napprovers = [\"{approver}\"]"
            ),
            expected,
        );
    }
    // Two rules for one call; but one for each of two accounts.
    let second = |accounts: &str| {
        format!(
            "{right}\n[[approval]]\noperations = [\"DisableKey\"]\napprovals = 1\n{accounts}\n{approvers}"
        )
    };
    wrong(&second(""), "approval 2: another rule covers DisableKey");
    wrong(
        &second("accounts = [\"111122223333\"]"),
        "approval 2: another rule covers DisableKey",
    );
    let first = right.replace(
        "]\napprovals = 2",
        "]\napprovals = 2\naccounts = [\"444455556666\"]",
    );
    let second = second("accounts = [\"111122223333\"]").replace(&right, &first);
    assert_eq!(parse(&second, &[]).unwrap().approval.len(), 2);

    let variable = (
        "STRONGROOM_APPROVAL",
        r#"[{ operations = ["EnableKey"], approvals = 1, approvers = ["arn:aws:iam::111122223333:root"] }]"#,
    );
    let config = parse(&right, &[variable]).unwrap();
    assert_eq!(config.approval.len(), 1);
    assert_eq!(config.approval[0].operations, ["EnableKey"]);
}

#[test]
fn tls_and_certificates() {
    // Both sections stand before [token], and no other that is commented out.
    let (before, after) = EXAMPLE.split_once("[token]").unwrap();
    let text = format!("{}[token]{after}", before.replace("#   ", ""));
    let config = parse(&text, &[]).unwrap();
    let tls = config.tls.as_ref().unwrap();
    let spelled_out = format!("{:?}", (tls, &config.certificate));
    let without = |key: &str| {
        let lines = text.lines().filter(|line| !line.starts_with(key));
        lines.collect::<Vec<_>>().join("\n")
    };
    for key in ["client_certificate", "reload_ms", "signer"] {
        let config = parse(&without(key), &[]).unwrap();
        let by_default = format!("{:?}", (config.tls.unwrap(), config.certificate));
        assert_eq!(by_default, spelled_out, "{key}");
    }
    let environment = [("STRONGROOM_TLS_CLIENT_CERTIFICATE", "required")];
    let required = parse(&text, &environment).unwrap().tls.unwrap();
    assert_ne!(format!("{required:?}"), format!("{tls:?}"));

    // The admin listener has the same keys, and checks of its own.
    assert!(config.admin_tls.is_some());
    let environment = [
        ("STRONGROOM_ADMIN_TLS_CLIENT_CA_FILE", "1"),
        ("STRONGROOM_ADMIN_TLS_CLIENT_CERTIFICATE", "required"),
    ];
    let admin = parse(&text, &environment).unwrap().admin_tls.unwrap();
    assert_eq!(format!("{:?}", admin.client_ca_file), "Some(\"1\")");
    let error = parse(&text, &environment[1..]).unwrap_err();
    let needed = "admin_tls.client_certificate = \"required\" needs admin_tls.client_ca_file";
    assert!(error.message().contains(needed), "{error}");

    let user = "arn:aws:iam::111122223333:user/payments";
    let with = |from: &str, to: &str| text.replace(from, to);
    for (wrong, why) in [
        (
            without("client_ca_file"),
            "tls.client_crl_file needs tls.client_ca_file",
        ),
        (
            with("reload_ms = 10000", "reload_ms = 0"),
            "tls.reload_ms must be at least 1",
        ),
        (
            with("\"optional\"", "\"sometimes\""),
            "unknown variant `sometimes`",
        ),
        (
            without("uri"),
            "certificate[0]: set exactly one of dns, uri, email and subject",
        ),
        (
            with("uri =", "dns = \"a\"\nuri ="),
            "certificate[0]: set exactly one of",
        ),
        (
            with(user, "arn:aws:iam::111122223333:root"),
            "certificate[0]: principal is a user's ARN",
        ),
        (
            with(user, "arn:aws:iam::111122223333:role/payments"),
            "certificate[0]: principal is",
        ),
        (
            with(user, "arn:aws:iam::111122223333:user/"),
            "certificate[0]: principal is a user's",
        ),
        (
            with("region = \"us-east-1\"", "region = \"US\""),
            "certificate[0]: \"US\" is no Region's",
        ),
        (with("signer", "singer"), "unknown field `singer`"),
        (
            without("client_c"),
            "[[certificate]] needs tls.client_ca_file",
        ),
    ] {
        let error = parse(&wrong, &[]).unwrap_err();
        assert!(error.message().contains(why), "{why}: {}", error.message());
    }
}

#[test]
fn a_key_has_no_more_aliases_than_are_read_at_once() {
    for section in ["[quota]", "[quota.accounts.111122223333]"] {
        let with = |most: u32| {
            let (before, after) = EXAMPLE.split_once("[quota]\n").unwrap();
            let section = format!("{section}\naliases_per_key = {most}\n");
            parse(&format!("{before}{section}{after}"), &[])
        };
        with(1000).unwrap();
        let error = with(1001).unwrap_err();
        assert_eq!(error.message(), "quota: aliases_per_key is at most 1000");
    }
}

#[test]
fn issuers_are_named_in_the_file_or_all_at_once_in_the_environment() {
    let section =
        |issuer: &str, more: &str| format!("issuer = \"{issuer}\", audiences = [\"a\"], {more}");
    let good = section("https://a.example/x", "jwks_file = \"/keys\"");
    let file = format!("{EXAMPLE}\n[oidc]\na = {{ {good} }}\n");
    assert_eq!(
        parse(&file, &[]).unwrap().oidc["a"].issuer,
        "https://a.example/x"
    );
    let url = "jwks_url = \"https://a.example/keys\"";
    let all = format!("{{ b = {{ {} }} }}", section("https://b.example", url));
    let config = parse(&file, &[("STRONGROOM_OIDC", &all)]).unwrap();
    assert_eq!(config.oidc.len(), 1);
    let url = config.oidc["b"].jwks_url.as_ref().unwrap();
    assert_eq!(url.to_string(), "https://a.example:443/keys");
    let same = section("http://A.example/x", "jwks_file = \"/keys\"");
    for (wrong, why) in [
        (section("a.example", "jwks_file = \"k\""), "oidc.c: issuer"),
        (
            section("https://a.example?x", "jwks_file = \"k\""),
            "oidc.c: issuer",
        ),
        (
            section("https://c.example", "ca_file = \"k\""),
            "exactly one",
        ),
        (
            section("https://c.example", "jwks_url = \"http://c.example\""),
            "https://",
        ),
        (
            section("https://c.example", "jwks_file = \"k\", ca_file = \"c\""),
            "ca_file",
        ),
        (section("https://c.example", "keys = \"k\""), "keys"),
        (
            "issuer = \"https://c.example\", audiences = [], jwks_file = \"k\"".into(),
            "audiences",
        ),
        (same, "same issuer"),
    ] {
        let all = format!("{{ a = {{ {good} }}, c = {{ {wrong} }} }}");
        let error = parse(EXAMPLE, &[("STRONGROOM_OIDC", &all)]).unwrap_err();
        assert!(error.message().contains(why), "{error}");
    }
}
