//! The log in JSON, and the caller's trace in log and audit record.

use crate::dev::SHARED;
use crate::gateway::{GATEWAY, root};
use crate::raw::{Answer, Keys, post, signed};
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn ask(keys: &Keys, traceparents: &str) -> Answer {
    let body = b"{}";
    let further = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "TrentService.ListKeys"),
    ];
    let lines = signed(keys, &further, body) + traceparents;
    GATEWAY.ask(None, &post(&lines, body)).unwrap()
}

fn request_id(answer: &Answer) -> String {
    let headers = answer.headers.to_ascii_lowercase();
    let (_, rest) = headers.split_once("x-amzn-requestid: ").unwrap();
    rest.lines().next().unwrap().trim().to_owned()
}

/// The line of a request.
fn line(answer: &Answer) -> Value {
    let id = request_id(answer);
    let log = GATEWAY.wait_for(&id);
    let line = log.lines().find(|line| line.contains(&id)).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["request_id"], id.as_str());
    line
}

async fn record(answer: &Answer) -> Value {
    let sql = "select record from audit_log where request_id = $1::text::uuid";
    let client = SHARED.owner().await;
    let row = client.query_one(sql, &[&request_id(answer)]).await.unwrap();
    serde_json::from_slice(row.get(0)).unwrap()
}

#[test]
fn every_line_is_an_object() {
    let log = GATEWAY.log();
    // What is said before the configuration is read is for people.
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        for key in ["timestamp", "level", "target", "message"] {
            assert!(line[key].is_string(), "{line}");
        }
    }
}

#[tokio::test]
async fn a_trace_is_carried_into_log_and_record() {
    let sent = format!("00-{TRACE}-{PARENT}-01");
    let answer = ask(&root(), &format!("traceparent: {sent}\r\n"));
    assert_eq!(answer.code(), "OK", "{}", answer.message());
    let line = line(&answer);
    let wanted = json!({"operation": "ListKeys", "outcome": "success", "trace_id": TRACE,
        "parent_id": PARENT, "level": "DEBUG", "target": "strongroom::request"});
    for (key, value) in wanted.as_object().unwrap() {
        assert_eq!(&line[key], value, "{line}");
    }
    assert!(line["seconds"].as_f64().unwrap() > 0.0, "{line}");
    let record = record(&answer).await;
    assert_eq!(record["additionalEventData"], json!({"traceParent": sent}));
}

#[tokio::test]
async fn what_is_no_trace_is_ignored() {
    let good = format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n");
    for bad in [
        String::new(),
        format!("traceparent: 00-{TRACE}-{PARENT}\r\n"),
        format!("traceparent: {}\r\n", "a".repeat(4000)),
        "traceparent: 00-\u{e9}\r\n".into(),
        good.repeat(2),
    ] {
        let answer = ask(&root(), &bad);
        if bad.contains('\u{e9}') {
            // Nothing that is not ASCII is signed.
            assert_eq!(answer.code(), "IncompleteSignatureException");
            continue;
        }
        assert_eq!(answer.code(), "OK", "{bad}: {}", answer.message());
        let line = line(&answer);
        assert!(line.get("trace_id").is_none(), "{line}");
        assert!(record(&answer).await.get("additionalEventData").is_none());
    }
}

#[test]
fn who_is_refused_at_the_door_has_a_line_too() {
    let nobody = Keys("AKIAEXAMPLE".into(), "x".into());
    let answer = ask(&nobody, &format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n"));
    let line = line(&answer);
    assert_eq!(line["outcome"], "UnrecognizedClientException", "{line}");
    assert_eq!(line["trace_id"], TRACE, "{line}");
}
