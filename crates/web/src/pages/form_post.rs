//! The answer to an OAuth request that asked for `response_mode=form_post`: a form that carries the answer to
//! the client's own site. OAuth 2.0 Form Post Response Mode §2. Its script only spares
//! people the button; its policy needs `script-src 'self'`, and the client's origin in `form-action`.

use std::fmt;

use askama::Template;

use super::assets::form_post_script_path;

/// Posts `fields` to `action` at once, or by a button in a browser without script.
#[derive(Clone, Template)]
#[template(path = "form_post.html")]
pub struct FormPost {
    /// Where to; the caller has made sure that it is a redirect address the client registered.
    pub action: String,
    /// Names and values of the answer, in the order to send. Values may be credentials.
    pub fields: Vec<(String, String)>,
    /// Name of the client as people know it.
    pub client_title: String,
}

impl fmt::Debug for FormPost {
    /// Tells the names of the fields, never their values: one of them is a code or a token.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        out.debug_struct("FormPost").field("action", &self.action).field("fields", &names).finish_non_exhaustive()
    }
}

impl FormPost {
    /// Address of the script that sends the form, with the content hash in the name.
    pub fn script_path() -> &'static str {
        form_post_script_path()
    }

    /// Realistic examples for the gallery.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let pairs = |list: &[(&str, &str)]| {
            list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        let plain = Self {
            action: "https://notes.northwind.example/signin-oidc".to_owned(),
            fields: pairs(&[
                ("code", "cod_4Vb9tqW2"),
                ("state", "CfDJ8&next=%2Fboards%2F7"),
                ("iss", "https://door.northwind.example/realms/main"),
            ]),
            client_title: "Notes".to_owned(),
        };
        vec![
            ("plain", plain.clone()),
            (
                "long-names",
                Self {
                    client_title: "Quarterly Revenue Reconciliation Workbench (pre-production)".to_owned(),
                    ..plain.clone()
                },
            ),
            (
                "hostile",
                Self {
                    action: "https://x.example/\"><script>alert(1)</script>".to_owned(),
                    fields: pairs(&[
                        ("state", "\"><script>alert(2)</script>"),
                        ("\" autofocus onfocus=\"alert(3)", "'\"><b>منصة البيانات</b>"),
                        ("submit", "<i>"),
                    ]),
                    client_title: "<script>alert(4)</script>".to_owned(),
                },
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::find_asset;
    use super::super::markup::tags;
    use super::*;

    fn sample(wanted: &str) -> FormPost {
        FormPost::samples().into_iter().find(|(name, _)| *name == wanted).unwrap().1
    }

    #[test]
    fn the_form_carries_every_field_in_order_and_nothing_else() {
        let page = sample("plain");
        let html = page.render().unwrap();
        let tags = tags(&html).unwrap();
        let form = tags.iter().find(|tag| tag.name == "form").unwrap();
        assert_eq!(form.attribute("action"), Some(page.action.as_str()));
        assert_eq!(form.attribute("method"), Some("post"));
        let sent: Vec<_> =
            tags.iter().filter_map(|tag| Some((tag.attribute("name")?, tag.attribute("value")?))).collect();
        assert_eq!(
            sent,
            [
                ("code", "cod_4Vb9tqW2"),
                ("state", "CfDJ8&#38;next=%2Fboards%2F7"),
                ("iss", "https://door.northwind.example/realms/main"),
            ]
        );
        assert!(html.contains("Go on to <bdi>Notes</bdi></span></button>"));
    }

    #[test]
    fn the_script_is_an_asset_that_finds_the_form() {
        let script = find_asset(FormPost::script_path()).unwrap();
        assert_eq!(script.media_type, "text/javascript; charset=utf-8");
        assert!(str::from_utf8(script.bytes).unwrap().contains("getElementById(\"answer\")"));
        let html = sample("plain").render().unwrap();
        let tags = tags(&html).unwrap();
        let form = tags.iter().find(|tag| tag.attribute("id") == Some("answer")).unwrap();
        assert_eq!(form.name, "form");
        let element = tags.iter().find(|tag| tag.name == "script").unwrap();
        assert_eq!(element.attribute("src"), Some(script.path));
        assert!(element.attribute("defer").is_some(), "the script would run before there is a form");
    }

    #[test]
    fn what_is_printed_for_the_log_holds_no_value() {
        let printed = format!("{:?}", sample("plain"));
        assert!(printed.contains("code") && !printed.contains("cod_4Vb9tqW2"), "{printed}");
    }
}
