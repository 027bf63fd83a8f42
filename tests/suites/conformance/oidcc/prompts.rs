//! When people are asked, and when not.

use super::{Run, auth_time, content, plans};
use crate::house::text;
use std::thread::sleep;
use std::time::Duration;

plans! {
    oidcc_prompt_login
    oidcc_prompt_none_not_logged_in
    oidcc_prompt_none_logged_in
    oidcc_max_age_1
    oidcc_max_age_10000
    oidcc_id_token_hint
}

/// Asks although somebody is signed in, and tells the new time.
fn asked_again(mode: &'static str, wish: (&str, &str)) {
    let mut run = Run::new(mode);
    let first = run.content(&[]);
    sleep(Duration::from_millis(2100));
    let page = run.ask(&[wish]);
    assert!(page.asks_for_a_password(), "{wish:?}: {}", page.url);
    let second = content(&run.browser.sign_in(&page));
    assert!(auth_time(&second) > auth_time(&first), "{wish:?}");
    assert_eq!(text(&second, "/claims/sub"), text(&first, "/claims/sub"));
}

fn oidcc_prompt_login(mode: &'static str) {
    asked_again(mode, ("prompt", "login"));
}

fn oidcc_max_age_1(mode: &'static str) {
    asked_again(mode, ("max_age", "1"));
}

fn oidcc_max_age_10000(mode: &'static str) {
    let mut run = Run::new(mode);
    let first = run.content(&[("max_age", "15000")]);
    let second = run.silent(&[("max_age", "10000")]);
    assert_eq!(auth_time(&second), auth_time(&first));
}

fn oidcc_prompt_none_not_logged_in(mode: &'static str) {
    let state = "s".repeat(128);
    assert_eq!(Run::new(mode).refused(&[("prompt", "none"), ("state", &state)]), "login_required");
}

fn oidcc_prompt_none_logged_in(mode: &'static str) {
    let mut run = Run::new(mode);
    let first = run.content(&[]);
    let second = run.silent(&[("prompt", "none")]);
    assert_eq!(text(&second, "/claims/sub"), text(&first, "/claims/sub"));
    assert_eq!(auth_time(&second), auth_time(&first));
}

fn oidcc_id_token_hint(mode: &'static str) {
    let mut run = Run::new(mode);
    let first = run.content(&[]);
    let hint = text(&first, "/tokens/id_token");
    let second = run.silent(&[("prompt", "none"), ("id_token_hint", hint)]);
    assert_eq!(text(&second, "/claims/sub"), text(&first, "/claims/sub"));
    // One that is bent names nobody.
    let bent = doorward_tests::clients::tampered(hint);
    assert_ne!(run.refused(&[("prompt", "none"), ("id_token_hint", &bent)]), "");
}
