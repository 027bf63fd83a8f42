//! A credential counts whole or not at all.

use doorward_engine::gate::check::Credential;
use doorward_engine::sessions;
use doorward_model::secret::{TokenHash, TokenKind};

use crate::fixture::Ground;
use crate::people::{Form, PASSWORD, everyone, signed_in};

const DAGSTER: &str = "dagster.example.com";

/// Makes a credential of the hash of what was presented.
type Maker = fn(TokenHash) -> Credential;

/// Everything that looks like a credential and is another one.
fn variants(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for cut in 0..text.len() {
        all.extend(text.get(..cut).map(str::to_owned));
        all.extend(text.get(cut + 1..).map(str::to_owned));
    }
    for (at, letter) in text.char_indices() {
        let flipped =
            if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        let (before, after) = (text.get(..at).unwrap_or(""), text.get(at + 1..).unwrap_or(""));
        all.push(format!("{before}{flipped}{after}"));
        all.push(format!("{before}{after}"));
        all.push(format!("{before}%{:02x}{after}", u32::from(letter)));
    }
    for padding in ["=", "==", " ", "\t", "\0", "A", ".", "/", ";", "\u{200b}"] {
        all.push(format!("{text}{padding}"));
        all.push(format!("{padding}{text}"));
    }
    all.extend([text.to_uppercase(), text.to_lowercase(), text.repeat(2), format!("\"{text}\"")]);
    all.extend(
        ["dws_", "dwp_", "dwx_", "dwa_", "dwt_"].map(|prefix| format!("{prefix}{}", text.get(4..).unwrap_or(""))),
    );
    all.retain(|variant| variant != text);
    all
}

async fn gauntlet_b3_07_a_cut_padded_or_respelled_credential_is_none(ground: Ground) {
    let node = ground.node_with(|settings| settings.shared_domain = Some(crate::people::host("example.com"))).await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let opened = node.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    let pass = node.enter(&signed_in(&opened), &app).await;
    let shared = doorward_engine::sign_in::enter::shared_pass(&node.door, &node.ctx(), &opened.kept).await;
    let shared = shared.expect("an answer").expect("a shared pass");
    let service = node.service_token(&realm, "ci", &[&app], 600).await;

    let makers: [(TokenKind, &str, Maker); 3] = [
        (TokenKind::Pass, pass.reveal(), Credential::Pass),
        (TokenKind::SharedPass, shared.reveal(), Credential::SharedPass),
        (TokenKind::Service, service.reveal(), Credential::Service),
    ];
    let mut tried = 0;
    for (kind, text, make) in makers {
        let read = |text: &str| TokenHash::of_presented(kind, text).map_or(Credential::None, make);
        assert!(node.check(DAGSTER, read(text)).await.passes(), "{kind:?} itself");
        for variant in variants(text) {
            let answer = node.check(DAGSTER, read(&variant)).await;
            assert!(answer.asks_to_sign_in(), "{kind:?} {variant:?}: {answer:?}");
            tried += 1;
        }
    }
    let text = opened.session.reveal();
    let ctx = node.ctx();
    for variant in variants(text) {
        let Some(hash) = TokenHash::of_presented(TokenKind::Session, &variant) else { continue };
        assert!(sessions::find(&node.door, &ctx, &hash).await.expect("an answer").is_none(), "{variant:?}");
        tried += 1;
    }
    assert!(tried > 700, "only {tried} variants");
}

async fn the_database_holds_no_credential_in_clear(ground: Ground) {
    let node = ground.node().await;
    let realm = node.realm("main").await;
    node.user(&realm, "alice").await;
    let app = node.app(&realm, DAGSTER, everyone()).await;
    let opened = node.sign_in(&realm, &Form::new("alice", PASSWORD)).await;
    let pass = node.enter(&signed_in(&opened), &app).await;
    let service = node.service_token(&realm, "ci", &[&app], 600).await;
    let mut texts = Vec::new();
    for (table, column) in
        [("sessions", "hash"), ("passes", "hash"), ("tickets", "hash"), ("devices", "hash"), ("service_tokens", "hash")]
    {
        let sql = match ground.kind {
            crate::fixture::Kind::Sqlite => format!("SELECT hex({column}) FROM {table}"),
            crate::fixture::Kind::Postgres => {
                format!("SELECT upper(encode({column}, 'hex')) FROM {table}")
            }
        };
        let found = ground.texts(&sql).await;
        assert!(!found.is_empty(), "{table} is empty");
        texts.extend(found);
    }
    texts.extend(ground.texts("SELECT detail || subject || actor FROM events").await);
    texts.extend(ground.texts("SELECT password FROM users").await);
    for secret in [opened.session.reveal(), opened.device.reveal(), pass.reveal(), service.reveal(), PASSWORD] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert!(texts.iter().all(|text| !text.contains(secret) && !text.contains(&hex)), "{secret} is stored");
    }
}

on_both!(together:
    gauntlet_b3_07_a_cut_padded_or_respelled_credential_is_none,
    the_database_holds_no_credential_in_clear,
);
