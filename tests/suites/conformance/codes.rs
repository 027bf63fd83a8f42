//! Codes that are shown twice. These modules stand before the others by name, so that the half minute goes
//! by beside them.

use crate::house::{Browser, house, refusal, text};
use std::thread::sleep;
use std::time::Duration;

/// Redeems a code, and again after a while: refused, and what the first time gave is over.
fn code_twice(pause: Duration) {
    let end = Browser::default().visit(&house().request("plain", &[]));
    let first = house().redeem("plain", end.code());
    assert_eq!(first.status, 200, "{}", first.text());
    let first = first.json();
    assert_eq!(house().userinfo(text(&first, "/access_token")).status, 200);
    sleep(pause);
    assert_eq!(refusal(&house().redeem("plain", end.code())), (400, "invalid_grant".to_owned()));
    assert_eq!(house().userinfo(text(&first, "/access_token")).status, 401);
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&first, "/refresh_token"))];
    assert_eq!(refusal(&house().token("plain", &form)), (400, "invalid_grant".to_owned()));
}

#[test]
fn oidcc_codereuse() {
    code_twice(Duration::ZERO);
}

#[test]
fn oidcc_codereuse_30seconds() {
    code_twice(Duration::from_secs(30));
}
