//! Lists in parts: what asks for a part is a number or nothing, what is searched for is text, and both stay in their
//! realm.

use super::{Admin, NOTHING};
use crate::provider;
use doorward_testkit::http::percent;
use serde_json::{Value, json};

#[test]
fn gauntlet_b3_08_what_asks_for_a_part_of_a_list_is_never_part_of_a_statement() {
    let door = provider();
    door.cli_text(&["realm", "create", "sales"]);
    door.cli_text(&[
        "--realm",
        "sales",
        "user",
        "create",
        "mallory",
        "--email",
        "m@example.com",
        "--password-env",
        "DOORWARD_TEST_PASSWORD",
    ]);
    let admin = Admin::service(&door, "main", "terraform", &["doorward-admin"]);
    admin.make(
        "/users",
        &json!({"username": "o'brien", "email": "ob@example.com", "firstName": "100%", "lastName": "a_b\\c"}),
    );
    let lists = ["/users", "/groups", "/clients", "/roles"];
    let hostile = [
        "1; DROP TABLE users;--",
        "0 OR 1=1",
        "1) UNION SELECT hash FROM client_secrets--",
        "' OR ''='",
        "1e3",
        "0x10",
        "1.0",
        "+",
        "\u{ff11}",
        "1\u{0}",
        "9223372036854775808",
        "99999999999999999999999999",
        "eyJpZCI6Inp6enoifQ==",
        "NULL",
        "[1]",
    ];
    let before: Vec<Value> = lists.iter().map(|list| admin.get(list)).collect();
    for list in lists {
        for (name, text) in ["first", "max"].iter().flat_map(|name| hostile.iter().map(move |text| (name, text))) {
            let (status, told) = admin.refused("GET", &format!("{list}?{name}={}", percent(text)), &NOTHING);
            assert_eq!(status, 400, "{list} {name}={text:?}: {told}");
        }
        // Twice is none of both, and far beyond what there is is nothing.
        assert_eq!(admin.status("GET", &format!("{list}?first=9223372036854775807"), &NOTHING), 400, "{list}");
        assert_eq!(admin.get(&format!("{list}?first=1000")), json!([]), "{list}");
        assert_eq!(admin.get(&format!("{list}?max=0")), json!([]), "{list}");
        for text in hostile.iter().chain(&["%", "_", "\\", "o'", "\"", "%' --", "mallory", "m@example.com"]) {
            let answer = admin.call("GET", &format!("{list}?search={}", percent(text)), &NOTHING);
            assert!(matches!(answer.status, 200 | 400), "{list} {text:?}: {} {}", answer.status, answer.text());
            assert!(!answer.text().contains("mallory"), "{list} {text:?} leaves its realm: {}", answer.text());
        }
    }
    // What could mean something to a statement is only text to be found.
    let found = |query: &str| {
        let found = admin.get(&format!("/users?{query}"));
        let names =
            found.as_array().expect("a list").iter().filter_map(|user| user["username"].as_str().map(str::to_owned));
        names.collect::<Vec<String>>()
    };
    for text in ["o'b", "100%", "a_b", "b\\c"] {
        assert_eq!(found(&format!("search={}", percent(text))), ["o'brien"], "{text}");
    }
    for text in ["100_", "a%c", "' OR '1'='1"] {
        assert_eq!(found(&format!("search={}", percent(text))), Vec::<String>::new(), "{text}");
    }
    let after: Vec<Value> = lists.iter().map(|list| admin.get(list)).collect();
    assert_eq!(before, after, "nothing was changed by asking");
    let whole = |list: &str| admin.get(list).as_array().map_or(0, Vec::len);
    let parts: usize = (0..5).map(|part| whole(&format!("/users?first={}&max=1", part))).sum();
    assert_eq!(parts, whole("/users").min(5), "parts make the whole");
}
