//! Cube: who sees which rows is said by a claim of the token.

use doorward_testkit::door::Door;
use doorward_testkit::http::Answer;
use doorward_testkit::peers::{Cube, CubeOptions, Postgres};
use doorward_tests::clients::{Program, door, issuer, join, jwks, tampered};
use serde_json::Value;

const NAMESPACE: &str = "https://example.com/cube";

fn cube(door: &Door, database: &Postgres) -> Cube {
    let (issuer, jwks) = (issuer(door), jwks(door, "main"));
    Cube::start(database, &CubeOptions { jwks: &jwks, issuer: &issuer, audience: "cube", namespace: NAMESPACE })
}

fn program<'d>(door: &'d Door, name: &str) -> Program<'d> {
    let mapper = format!("{{claim: {{path: ['{NAMESPACE}', regions], from: {{groups: region-}}}}}}");
    Program::declare(door, name, &format!("mappers:\n  - {mapper}"))
}

/// Regions and what their orders are worth.
fn rows(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json();
    let cell = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rows = told.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut rows: Vec<_> = rows.iter().map(|row| (cell(row, "orders.region"), cell(row, "orders.total"))).collect();
    rows.sort();
    rows
}

fn row(region: &str, total: &str) -> (String, String) {
    (region.to_owned(), total.to_owned())
}

#[test]
fn cube_shows_people_the_rows_their_token_names() {
    let (door, database) = (door(), Postgres::start());
    join(&door, "alice", &["region-eu"]);
    join(&door, "bob", &["region-us", "region-asia"]);
    let program = program(&door, "cube");
    let cube = cube(&door, &database);
    let totals = |person: &str| cube.totals(Some(&program.access_token(person)));
    assert_eq!(rows(&totals("alice")), [row("eu", "42")]);
    assert_eq!(rows(&totals("bob")), [row("asia", "11"), row("us", "7")]);

    // Another group, another token: other rows. Without any, none at all.
    door.cli_text(&["group", "remove-member", "region-us", "bob"]);
    assert_eq!(rows(&totals("bob")), [row("asia", "11")]);
    door.cli_text(&["group", "remove-member", "region-asia", "bob"]);
    assert_eq!(rows(&totals("bob")), []);
}

#[test]
fn cube_takes_no_other_token() {
    let (door, database) = (door(), Postgres::start());
    door.cli_text(&["realm", "create", "lab"]);
    door.cli_text(&["--realm", "lab", "user", "create", "alice", "--password-env", "DOORWARD_TEST_PASSWORD"]);
    join(&door, "alice", &["region-eu"]);
    let program_of_cube = program(&door, "cube");
    let cube = cube(&door, &database);
    let good = program_of_cube.access_token("alice");
    assert_eq!(rows(&cube.totals(Some(&good))), [row("eu", "42")]);
    let of_lab = Program::declare_in(&door, "lab", "cube", "");
    let bad = [program(&door, "other").access_token("alice"), of_lab.access_token("alice"), tampered(&good)];
    for token in bad {
        let answer = cube.totals(Some(&token));
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert!(answer.text().contains("Invalid token"), "{}", answer.text());
    }
    assert_eq!(cube.totals(None).status, 403);
}
