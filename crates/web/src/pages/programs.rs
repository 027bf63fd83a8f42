//! The part of the account page about programs: tokens a person made for them, tools the person agreed to.

/// A token of a person.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its id, posted as `token`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Names of the tools it opens.
    pub apps: String,
    /// The end of its life, in words.
    pub until: String,
    /// Whether that has come.
    pub is_over: bool,
}

/// A tool a token can be made for; posted as `app-SLUG`.
#[derive(Clone, Debug)]
pub struct AppChoice {
    /// Its slug.
    pub slug: String,
    /// Its name for people.
    pub title: String,
}

/// A token that was just made.
#[derive(Clone, Debug)]
pub struct FreshToken {
    /// Its name.
    pub name: String,
    /// The token itself: shown on this page and nowhere else.
    pub clear: String,
}

/// A tool the person agreed to.
#[derive(Clone, Debug)]
pub struct ConsentRow {
    /// Its id, posted as `client`.
    pub id: String,
    /// Its name for people.
    pub client: String,
    /// What it was allowed, in words.
    pub allowed: String,
    /// Since when, in words.
    pub since: String,
}

/// What the account page tells about programs.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// Tokens, by name.
    pub tokens: Vec<TokenRow>,
    /// Tools that are open to the person.
    pub apps: Vec<AppChoice>,
    /// The token that was just made.
    pub fresh: Option<FreshToken>,
    /// Why none was made, one sentence.
    pub error: Option<String>,
    /// Tools agreed to.
    pub consents: Vec<ConsentRow>,
    /// Address the form for a new token posts to.
    pub create_token_action: String,
    /// Address *revoke* posts to.
    pub revoke_token_action: String,
    /// Address *take back* posts to.
    pub take_back_action: String,
}

impl Programs {
    /// Realistic examples for the gallery.
    pub fn sample() -> Self {
        let token = |name: &str, apps: &str, is_over| TokenRow {
            id: "tok_1".to_owned(),
            name: name.to_owned(),
            apps: apps.to_owned(),
            until: "2031-05-04 06:07 UTC".to_owned(),
            is_over,
        };
        let app = |slug: &str, title: &str| AppChoice { slug: slug.to_owned(), title: title.to_owned() };
        Self {
            tokens: vec![token("nightly-export", "Dagster, Superset", false), token("old-laptop", "Dagster", true)],
            apps: vec![app("dagster", "Dagster"), app("superset", "Superset"), app("minio", "Object storage")],
            fresh: None,
            error: None,
            consents: vec![ConsentRow {
                id: "cli_1".to_owned(),
                client: "Notes".to_owned(),
                allowed: "See your name, see your e-mail address".to_owned(),
                since: "2031-04-01 09:00 UTC".to_owned(),
            }],
            create_token_action: "/realms/main/account/tokens".to_owned(),
            revoke_token_action: "/realms/main/account/tokens/revoke".to_owned(),
            take_back_action: "/realms/main/account/consents/revoke".to_owned(),
        }
    }
}
