//! Settings of Houston, the API of Astronomer's platform, read as connectors: from the environment variables its pods
//! have, and from the values of its chart. Pure; what was read and what was passed over is told.

use doorward_engine::federation::presets::{Credentials, Preset};
use doorward_engine::federation::settings::{ConnectorSettings, Kind, OidcSettings};
use doorward_model::name::{ConnectorName, DisplayText};
use doorward_model::secret_ref::SecretRef;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// What the names of all variables begin with.
pub const PREFIX: &str = "AUTH__OPENID_CONNECT__";
/// Where the provider's application sends browsers back to, with Houston in front of it.
pub const CALLBACK: &str = "/v1/oauth/callback/";

/// The providers Houston knows: their names in its settings, and whose ways they have.
const PROVIDERS: [(&str, Preset); 6] = [
    ("okta", Preset::Okta),
    ("auth0", Preset::Auth0),
    ("microsoft", Preset::Entra),
    ("google", Preset::Google),
    ("cognito", Preset::Cognito),
    ("custom", Preset::Generic),
];

/// A provider as Houston was told of it.
#[derive(Debug)]
pub struct Provider {
    /// Its name, which is the connector's.
    pub name: ConnectorName,
    /// Whether people come in through it.
    pub is_enabled: bool,
    /// The connector.
    pub settings: ConnectorSettings,
    /// Its secret, when it stood there in clear.
    pub secret: Option<Zeroizing<String>>,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Found {
    /// The providers that are enabled, or said not to be.
    pub providers: Vec<Provider>,
    /// What was passed over, a sentence for each.
    pub notes: Vec<String>,
}

/// Reads the environment. Names of variables with `__` inside lead into objects; secrets stay where they are.
///
/// # Errors
/// One sentence that names the variable; values are not repeated.
pub fn of_variables(variables: impl Iterator<Item = (String, String)>) -> Result<Found, String> {
    let mut tree = Map::new();
    let mut secrets = Vec::new();
    let (mut all, others): (Vec<_>, Vec<_>) = variables.partition(|(name, _)| name.starts_with(PREFIX));
    all.sort();
    for (name, value) in all {
        let path: Vec<&str> = name.trim_start_matches(PREFIX).split("__").collect();
        if let [provider, "CLIENT_SECRET"] = path.as_slice() {
            let reference = SecretRef::parse(&format!("env:{name}")).map_err(|bad| bad.to_string())?;
            secrets.push((provider.to_lowercase(), reference));
            continue;
        }
        let keys: Vec<String> = match path.as_slice() {
            // Parameters are told to the provider as they are written.
            [provider, "AUTH_URL_PARAMS", parameter] => {
                vec![provider.to_lowercase(), "authUrlParams".to_owned(), parameter.to_lowercase()]
            }
            other => other.iter().map(|part| camel(part)).collect(),
        };
        put(&mut tree, &keys, Value::String(value))
            .ok_or_else(|| format!("{name} stands beside a variable it leads into"))?;
    }
    let kept =
        |provider: &str| secrets.iter().find(|(name, _)| name == provider).map(|(_, reference)| reference.clone());
    let mut found = read(&tree, kept).map_err(|why| as_variable(&why))?;
    found.notes = found.notes.iter().map(|note| as_variable(note)).collect();
    for (variable, kind) in [("AUTH__GITHUB__ENABLED", "github"), ("AUTH__LDAP__ENABLED", "ldap")] {
        let is_on = |value: &String| is_true(&Value::String(value.clone()));
        if others.iter().any(|(name, value)| name == variable && is_on(value)) {
            found.notes.push(format!("{variable} is passed over: say `doorward connector add {kind}`"));
        }
    }
    Ok(found)
}

/// A sentence that begins with a key of the chart, beginning with the variables that stand for it.
fn as_variable(sentence: &str) -> String {
    let Some(rest) = sentence.strip_prefix("openidConnect.") else { return sentence.to_owned() };
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (key, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let mut name = PREFIX.to_owned();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    format!("{name}{rest}")
}

/// Reads the values of a chart: the platform's, Houston's own, or what stands at `config.auth` in them.
///
/// # Errors
/// One sentence: what is not there, or is not what it should be.
pub fn of_values(values: &Value) -> Result<Found, String> {
    let houston = ["/astronomer/houston", "/houston", ""].iter().filter_map(|path| values.pointer(path));
    let mut houston = houston.filter(|inner| inner.pointer("/config/auth").is_some());
    let (auth, injected) = match houston.next() {
        Some(houston) => (houston.pointer("/config/auth"), houston.get("secret").and_then(Value::as_array)),
        None => (values.get("auth").or(Some(values)), None),
    };
    let connect = auth.and_then(|auth| auth.get("openidConnect")).and_then(Value::as_object);
    let connect = connect.ok_or("nothing stands at astronomer.houston.config.auth.openidConnect")?;
    // Secrets of the cluster that become variables of the pod: they may become variables of this server too.
    let variables: Vec<&str> =
        injected.into_iter().flatten().filter_map(|one| one.get("envName").and_then(Value::as_str)).collect();
    let mut found = read(connect, |provider| {
        let name = format!("{PREFIX}{}__CLIENT_SECRET", provider.to_uppercase());
        variables.contains(&name.as_str()).then(|| SecretRef::parse(&format!("env:{name}")).ok()).flatten()
    })?;
    for other in ["github", "local", "ldap"] {
        let is_on = auth.and_then(|auth| auth.pointer(&format!("/{other}/enabled"))).is_some_and(is_true);
        if is_on && other != "local" {
            found.notes.push(format!("{other} is enabled there and is not imported: `doorward connector add {other}`"));
        }
    }
    Ok(found)
}

/// Keys of a provider that are understood.
const KEYS: [&str; 8] = [
    "enabled",
    "clientId",
    "clientSecret",
    "discoveryUrl",
    "baseDomain",
    "displayName",
    "authUrlParams",
    "claimsMapping",
];
/// Keys beside the providers that are understood.
const BESIDE: [&str; 2] = ["flow", "clockTolerance"];

fn read(tree: &Map<String, Value>, kept: impl Fn(&str) -> Option<SecretRef>) -> Result<Found, String> {
    let mut found = Found::default();
    for key in tree.keys() {
        if !BESIDE.contains(&key.as_str()) && !PROVIDERS.iter().any(|(name, _)| name == key) {
            found.notes.push(format!("openidConnect.{key} is passed over: nothing here is like it"));
        }
    }
    let flow = tree.get("flow").and_then(Value::as_str).unwrap_or("code");
    if flow != "code" {
        let how = "let its application use the authorization code flow";
        found
            .notes
            .push(format!("flow {} is passed over: providers are asked for codes, so {how}", flow.escape_debug()));
    }
    let tolerance = tree.get("clockTolerance").map(|value| text(value).parse::<u32>());
    let tolerance =
        tolerance.transpose().map_err(|_| "openidConnect.clockTolerance is no number of seconds".to_owned())?;
    for (name, preset) in PROVIDERS {
        let Some(said) = tree.get(name) else { continue };
        let said = said.as_object().ok_or_else(|| format!("openidConnect.{name} is no object"))?;
        let Some(enabled) = said.get("enabled") else { continue };
        let told = Told { name, preset, said, tolerance };
        let is_enabled = is_true(enabled);
        if !is_enabled && said.get("clientId").is_none() {
            continue;
        }
        let secret_from = kept(name);
        let secret = said.get("clientSecret").map(text).filter(|_| secret_from.is_none());
        let mut settings = told.settings(secret_from, &mut found.notes)?;
        // Where several come back to one place, one provider's answer could be taken to another.
        let is_taken = found.providers.iter().any(|other| other.is_enabled) && is_enabled;
        if let Kind::Oidc(oidc) = &mut settings.kind
            && is_taken
        {
            oidc.callback_path = None;
            let how = "register the redirect URI that `doorward connector show` prints there";
            found.notes.push(format!("openidConnect.{name}: another provider has {CALLBACK} already: {how}"));
        }
        let name = ConnectorName::parse(name).map_err(|bad| bad.to_string())?;
        found.providers.push(Provider { name, is_enabled, settings, secret: secret.map(Zeroizing::new) });
    }
    Ok(found)
}

/// What is said of one provider.
struct Told<'a> {
    name: &'a str,
    preset: Preset,
    said: &'a Map<String, Value>,
    tolerance: Option<u32>,
}

impl Told<'_> {
    fn settings(&self, secret_from: Option<SecretRef>, notes: &mut Vec<String>) -> Result<ConnectorSettings, String> {
        let Self { name, said, .. } = *self;
        let wrong = |what: String| format!("openidConnect.{name}: {what}");
        for key in said.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            notes.push(wrong(format!("{key} is passed over: nothing here is like it")));
        }
        let one = |key: &str| said.get(key).map(text).filter(|text| !text.is_empty());
        let client_id = one("clientId").ok_or_else(|| wrong("clientId is missing".to_owned()))?;
        let address = one("discoveryUrl").or_else(|| one("baseDomain")).unwrap_or_default();
        let credentials = Credentials { client_id, secret_from };
        let mut oidc = self.preset.settings(&address, credentials).map_err(wrong)?;
        oidc.callback_path = Some(CALLBACK.to_owned());
        oidc.clock_tolerance_seconds = self.tolerance.unwrap_or(oidc.clock_tolerance_seconds);
        for (parameter, value) in object(said, "authUrlParams") {
            match parameter.as_str() {
                "response_type" | "responseType" | "scope" | "redirect_uri" => {
                    notes.push(wrong(format!("authUrlParams.{parameter} is passed over: Doorward says that itself")));
                }
                _ => drop(oidc.parameters.insert(parameter.clone(), text(value))),
            }
        }
        self.claims(&mut oidc, notes);
        if let Some(domain) = oidc.parameters.get("hd").filter(|_| matches!(self.preset, Preset::Google)) {
            // As a parameter it is a hint; the claim is what counts.
            oidc.hosted_domains = vec![domain.clone()];
        }
        let title = one("displayName").map(|title| DisplayText::parse(&title)).transpose();
        let title = title.map_err(|bad| wrong(format!("displayName: {bad}")))?;
        let is_open = matches!(self.preset, Preset::Google) && oidc.hosted_domains.is_empty();
        let mut settings = ConnectorSettings { title, ..ConnectorSettings::of(Kind::Oidc(oidc)) };
        if is_open {
            settings.linking.create = false;
            notes.push(wrong(
                "anybody can have an account there, so only people who are linked come in: authUrlParams.hd names the \
                 company's domain"
                    .to_owned(),
            ));
        }
        settings.check().map_err(wrong)?;
        Ok(settings)
    }

    fn claims(&self, oidc: &mut OidcSettings, notes: &mut Vec<String>) {
        for (ours, theirs) in object(self.said, "claimsMapping") {
            let theirs = text(theirs);
            match ours.as_str() {
                "groups" => oidc.claims.groups = theirs,
                "email" => oidc.claims.email = theirs,
                "name" | "fullName" => oidc.claims.display = theirs,
                "username" => oidc.claims.name = vec![theirs],
                _ => notes.push(format!("openidConnect.{}: claimsMapping.{ours} is passed over", self.name)),
            }
        }
    }
}

fn object<'a>(said: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    said.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn is_true(value: &Value) -> bool {
    matches!(text(value).to_ascii_lowercase().as_str(), "true" | "1" | "yes")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}

/// `CLIENT_ID` as `clientId`.
fn camel(part: &str) -> String {
    let mut words = part.split('_').map(str::to_lowercase);
    let first = words.next().unwrap_or_default();
    words.fold(first, |mut all, word| {
        let mut letters = word.chars();
        all.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        all.extend(letters);
        all
    })
}

fn put(tree: &mut Map<String, Value>, keys: &[String], value: Value) -> Option<()> {
    match keys {
        [] => None,
        [last] => tree.insert(last.clone(), value).is_none().then_some(()),
        [first, rest @ ..] => {
            let inner = tree.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            put(inner.as_object_mut()?, rest, value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn variables(pairs: &[(&str, &str)]) -> Result<Found, String> {
        of_variables(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn told(found: &Found) -> Vec<(String, bool, Value)> {
        let one = |provider: &Provider| {
            let settings = serde_json::to_value(&provider.settings).unwrap_or_default();
            (provider.name.to_string(), provider.is_enabled, settings)
        };
        found.providers.iter().map(one).collect()
    }

    #[test]
    fn variables_become_connectors_and_secrets_stay_where_they_are() -> Result<(), String> {
        let found = variables(&[
            ("PATH", "/bin"),
            ("AUTH__OPENID_CONNECT__FLOW", "code"),
            ("AUTH__OPENID_CONNECT__CLOCK_TOLERANCE", "5"),
            ("AUTH__OPENID_CONNECT__OKTA__ENABLED", "true"),
            ("AUTH__OPENID_CONNECT__OKTA__CLIENT_ID", "houston"),
            ("AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET", "hush"),
            ("AUTH__OPENID_CONNECT__OKTA__DISCOVERY_URL", "https://acme.okta.com/.well-known/openid-configuration"),
            ("AUTH__OPENID_CONNECT__CUSTOM__ENABLED", "true"),
            ("AUTH__OPENID_CONNECT__CUSTOM__CLIENT_ID", "houston"),
            ("AUTH__OPENID_CONNECT__CUSTOM__DISPLAY_NAME", "Example Corp"),
            ("AUTH__OPENID_CONNECT__CUSTOM__DISCOVERY_URL", "https://id.example.com/x"),
            ("AUTH__OPENID_CONNECT__CUSTOM__AUTH_URL_PARAMS__AUDIENCE", "astro"),
            ("AUTH__OPENID_CONNECT__GOOGLE__ENABLED", "false"),
        ])?;
        // Two are enabled, and one of them has the shared place.
        assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
        let [(okta, true, first), (custom, true, second)] = &told(&found)[..] else { panic!("{found:?}") };
        assert_eq!((okta.as_str(), custom.as_str()), ("okta", "custom"));
        assert_eq!(first["oidc"]["issuer"], "https://acme.okta.com");
        assert_eq!(first["oidc"]["secret_from"], "env:AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET");
        assert_eq!(first["oidc"]["clock_tolerance_seconds"], 5);
        assert_eq!(first["oidc"]["callback_path"], CALLBACK);
        assert!(!first.to_string().contains("hush"));
        assert_eq!(second["title"], "Example Corp");
        assert_eq!(second["oidc"]["issuer"], "https://id.example.com/x");
        assert_eq!(second["oidc"]["parameters"], json!({"audience": "astro"}));
        Ok(())
    }

    #[test]
    fn sentences_name_variables_and_other_providers_are_not_passed_over_silently() -> Result<(), String> {
        let refused = variables(&[("AUTH__OPENID_CONNECT__OKTA__ENABLED", "true")]).err().unwrap_or_default();
        assert_eq!(refused, "AUTH__OPENID_CONNECT__OKTA: clientId is missing");
        let refused = variables(&[("AUTH__OPENID_CONNECT__CLOCK_TOLERANCE", "soon")]).err().unwrap_or_default();
        assert_eq!(refused, "AUTH__OPENID_CONNECT__CLOCK_TOLERANCE is no number of seconds");
        let found = variables(&[("AUTH__GITHUB__ENABLED", "true"), ("AUTH__LDAP__ENABLED", "false")])?;
        assert_eq!(found.notes, ["AUTH__GITHUB__ENABLED is passed over: say `doorward connector add github`"]);
        assert!(found.providers.is_empty());
        Ok(())
    }

    #[test]
    fn what_cannot_be_is_refused_and_what_is_not_understood_is_told() -> Result<(), String> {
        for (wrong, words) in [
            (&[("AUTH__OPENID_CONNECT__OKTA__ENABLED", "true")][..], "clientId is missing"),
            (
                &[("AUTH__OPENID_CONNECT__OKTA__ENABLED", "true"), ("AUTH__OPENID_CONNECT__OKTA__CLIENT_ID", "x")],
                "the provider's address is missing",
            ),
            (
                &[
                    ("AUTH__OPENID_CONNECT__CUSTOM__ENABLED", "true"),
                    ("AUTH__OPENID_CONNECT__CUSTOM__CLIENT_ID", "x"),
                    ("AUTH__OPENID_CONNECT__CUSTOM__DISCOVERY_URL", "http://id.example.com"),
                ],
                "can be no issuer: write https://",
            ),
            (&[("AUTH__OPENID_CONNECT__OKTA", "x")], "no object"),
            (&[("AUTH__OPENID_CONNECT__CLOCK_TOLERANCE", "soon")], "no number of seconds"),
        ] {
            let refused = variables(wrong).map(|found| told(&found));
            assert!(refused.as_ref().is_err_and(|sentence| sentence.contains(words)), "{refused:?}");
        }
        let found = variables(&[
            ("AUTH__OPENID_CONNECT__FLOW", "implicit"),
            ("AUTH__OPENID_CONNECT__IDP_GROUPS_IMPORT_ENABLED", "true"),
        ])?;
        assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
        Ok(())
    }

    #[test]
    fn not_everybody_with_an_account_at_google_comes_in() -> Result<(), String> {
        let google = |more: &[(&str, &str)]| {
            let usual =
                [("AUTH__OPENID_CONNECT__GOOGLE__ENABLED", "true"), ("AUTH__OPENID_CONNECT__GOOGLE__CLIENT_ID", "x")];
            variables(&[&usual[..], more].concat())
        };
        let open = google(&[])?;
        assert_eq!(told(&open)[0].2["linking"]["create"], false);
        assert_eq!(open.notes.len(), 1, "{:?}", open.notes);
        let ours = google(&[("AUTH__OPENID_CONNECT__GOOGLE__AUTH_URL_PARAMS__HD", "example.com")])?;
        assert_eq!(told(&ours)[0].2["oidc"]["hosted_domains"], json!(["example.com"]));
        assert_eq!((told(&ours)[0].2["linking"]["create"].clone(), ours.notes.len()), (json!(true), 0));
        Ok(())
    }

    #[test]
    fn one_provider_has_the_shared_callback() -> Result<(), String> {
        let both = variables(&[
            ("AUTH__OPENID_CONNECT__OKTA__ENABLED", "true"),
            ("AUTH__OPENID_CONNECT__OKTA__CLIENT_ID", "x"),
            ("AUTH__OPENID_CONNECT__OKTA__BASE_DOMAIN", "acme.okta.com"),
            ("AUTH__OPENID_CONNECT__CUSTOM__ENABLED", "true"),
            ("AUTH__OPENID_CONNECT__CUSTOM__CLIENT_ID", "x"),
            ("AUTH__OPENID_CONNECT__CUSTOM__DISCOVERY_URL", "https://id.example.com"),
        ])?;
        let paths: Vec<_> =
            told(&both).iter().map(|(_, _, settings)| settings["oidc"]["callback_path"].clone()).collect();
        assert_eq!(paths, [json!(CALLBACK), Value::Null]);
        assert_eq!(both.notes.len(), 1, "{:?}", both.notes);
        Ok(())
    }

    #[test]
    fn the_values_of_a_chart_are_read_wherever_they_begin() -> Result<(), String> {
        let connect = json!({"openidConnect": {"flow": "code", "microsoft": {
            "enabled": true, "clientId": "app", "clientSecret": "hush",
            "discoveryUrl": "https://login.microsoftonline.com/0b1c2d3e-0000-4000-8000-0123456789ab/v2.0/.well-known/openid-configuration",
            "authUrlParams": {"response_type": "code", "prompt": "select_account"},
            "claimsMapping": {"groups": "roles", "odd": "x"},
        }}, "github": {"enabled": true}});
        for values in [
            json!({"astronomer": {"houston": {"config": {"auth": connect}}}}),
            json!({"houston": {"config": {"auth": connect}}}),
            json!({"config": {"auth": connect}}),
            json!({"auth": connect}),
            connect.clone(),
        ] {
            let found = of_values(&values)?;
            let [provider] = &found.providers[..] else { panic!("{found:?}") };
            assert_eq!(provider.secret.as_ref().map(|secret| secret.as_str()), Some("hush"));
            let settings = serde_json::to_value(&provider.settings).unwrap_or_default();
            let issuer = "https://login.microsoftonline.com/0b1c2d3e-0000-4000-8000-0123456789ab/v2.0";
            assert_eq!(settings["oidc"]["issuer"], issuer);
            assert_eq!(settings["oidc"]["claims"]["groups"], "roles");
            assert_eq!(settings["oidc"]["parameters"], json!({"prompt": "select_account"}));
            assert_eq!(found.notes.len(), 3, "{:?}", found.notes);
        }
        let injected = json!({"houston": {
            "config": {"auth": {"openidConnect": {"okta": {
                "enabled": "true", "clientId": "x", "baseDomain": "acme.okta.com"}}}},
            "secret": [{"envName": "AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET", "secretName": "a", "secretKey": "b"}],
        }});
        let found = of_values(&injected)?;
        let settings = serde_json::to_value(&found.providers[0].settings).unwrap_or_default();
        assert_eq!(settings["oidc"]["secret_from"], "env:AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET");
        assert!(of_values(&json!({"other": 1})).is_err());
        Ok(())
    }
}
