//! Every page in every sample state, rendered: to be looked at, and to be checked by the tests below.
//! A page that is not listed here is not checked, so the list stands in one place.

use askama::Template;

use super::{
    Account, Arriving, Consent, Denied, DeviceCode, DeviceDone, DeviceQuestion, FormPost, Fragment, Launcher,
    NewPassword, Problem, Proceed, SampleTool, Setup, SignIn, SignOutConfirm, SignedOut, SigningOut,
};

/// One page in one state.
#[derive(Debug)]
pub struct Rendering {
    /// `view-sample`, usable as a file name.
    pub name: String,
    /// The whole document.
    pub html: String,
}

/// All samples of all views.
///
/// # Errors
/// Those of [`Template::render`].
pub fn gallery() -> Result<Vec<Rendering>, askama::Error> {
    let mut all = Vec::new();
    add(&mut all, "sign-in", SignIn::samples())?;
    add(&mut all, "new-password", NewPassword::samples())?;
    add(&mut all, "setup", Setup::samples())?;
    add(&mut all, "launcher", Launcher::samples())?;
    add(&mut all, "account", Account::samples())?;
    add(&mut all, "consent", Consent::samples())?;
    add(&mut all, "device-code", DeviceCode::samples())?;
    add(&mut all, "device-question", DeviceQuestion::samples())?;
    add(&mut all, "device-done", DeviceDone::samples())?;
    add(&mut all, "form-post", FormPost::samples())?;
    add(&mut all, "fragment", Fragment::samples())?;
    add(&mut all, "denied", Denied::samples())?;
    add(&mut all, "problem", Problem::samples())?;
    add(&mut all, "arriving", Arriving::samples())?;
    add(&mut all, "proceed", Proceed::samples())?;
    add(&mut all, "signed-out", SignedOut::samples())?;
    add(&mut all, "signing-out", SigningOut::samples())?;
    add(&mut all, "sign-out-confirm", SignOutConfirm::samples())?;
    add(&mut all, "sample-tool", SampleTool::samples())?;
    Ok(all)
}

fn add<V: Template>(
    all: &mut Vec<Rendering>,
    view: &str,
    samples: Vec<(&'static str, V)>,
) -> Result<(), askama::Error> {
    for (sample, page) in samples {
        all.push(Rendering { name: format!("{view}-{sample}"), html: page.render()? });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::markup::{Tag, tags};
    use super::super::{PREFIX, find_asset};
    use super::*;

    /// Runs a check on every page; the check says what is wrong, if anything.
    fn on_every_page(check: impl Fn(&Rendering, &[Tag]) -> Result<(), String>) {
        let pages = gallery().unwrap();
        assert!(pages.len() >= 48, "only {} pages in the gallery", pages.len());
        for page in &pages {
            let outcome = tags(&page.html).and_then(|tags| check(page, &tags));
            if let Err(what) = outcome {
                panic!("{}: {what}\n{}", page.name, page.html);
            }
        }
    }

    fn ensure(holds: bool, what: impl Into<String>) -> Result<(), String> {
        if holds { Ok(()) } else { Err(what.into()) }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = gallery().unwrap().into_iter().map(|page| page.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn every_page_is_well_formed_and_says_language_and_title() {
        on_every_page(|_, tags| {
            let html = tags.iter().find(|tag| tag.name == "html").ok_or("no html element")?;
            ensure(html.attribute("lang") == Some("en"), "no language")?;
            let title = tags.iter().find(|tag| tag.name == "title").ok_or("no title")?;
            ensure(!title.text.trim().is_empty(), "empty title")?;
            let mains = tags.iter().filter(|tag| tag.name == "main").count();
            ensure(mains == 1, format!("{mains} main elements"))
        });
    }

    #[test]
    fn headings_start_with_one_h1_and_skip_no_level() {
        on_every_page(|_, tags| {
            let levels: Vec<u8> = tags
                .iter()
                .filter_map(|tag| match tag.name.as_str() {
                    "h1" => Some(1),
                    "h2" => Some(2),
                    "h3" => Some(3),
                    _ => None,
                })
                .collect();
            ensure(levels.first() == Some(&1), "the first heading is not h1")?;
            ensure(levels.iter().filter(|level| **level == 1).count() == 1, "not exactly one h1")?;
            let skips = levels.windows(2).any(|pair| matches!(pair, [a, b] if *b > a + 1));
            ensure(!skips, "a heading level is skipped")
        });
    }

    #[test]
    fn every_visible_input_has_a_label_and_every_form_posts_with_a_csrf_token() {
        on_every_page(|_, tags| {
            let labelled = |id: &str| tags.iter().any(|tag| tag.name == "label" && tag.attribute("for") == Some(id));
            for input in tags.iter().filter(|tag| tag.name == "input") {
                let has_label = input.attribute("type") == Some("hidden")
                    || input.attribute("aria-label").is_some()
                    || input.attribute("id").is_some_and(labelled);
                ensure(has_label, format!("no label: {input:?}"))?;
            }
            // A form of another site knows nothing of our token, and must not be told it.
            let is_ours = |form: &Tag| form.attribute("action").is_some_and(|action| action.starts_with('/'));
            let forms = tags.iter().filter(|tag| tag.name == "form");
            let tokens = tags.iter().filter(|tag| tag.attribute("name") == Some("csrf"));
            let ours = forms.clone().filter(|form| is_ours(form)).count();
            ensure(ours == tokens.count(), "a form without csrf, or a token for another site")?;
            let mut forms = forms;
            ensure(forms.all(|form| form.attribute("method") == Some("post")), "a form by GET")
        });
    }

    #[test]
    fn every_reference_between_elements_is_kept_and_ids_are_unique() {
        on_every_page(|_, tags| {
            let mut ids: Vec<&str> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            ensure(ids.len() == count, "an id is used twice")?;
            for tag in tags {
                for name in ["aria-describedby", "aria-labelledby", "for"] {
                    for id in tag.attribute(name).unwrap_or_default().split_whitespace() {
                        ensure(ids.contains(&id), format!("{name} points nowhere: {id}"))?;
                    }
                }
            }
            Ok(())
        });
    }

    #[test]
    fn an_error_is_announced_and_tied_to_the_fields() {
        for name in ["sign-in-wrong-password", "new-password-error", "setup-error", "account-error"] {
            let page = gallery().unwrap().into_iter().find(|page| page.name == name).unwrap();
            let tags = tags(&page.html).unwrap();
            let alert = tags.iter().find(|tag| tag.attribute("role") == Some("alert")).unwrap();
            assert_eq!(alert.attribute("id"), Some("form-error"), "{name}");
            let described = tags.iter().any(|tag| {
                tag.attribute("type") == Some("password")
                    && tag.attribute("aria-describedby").is_some_and(|ids| ids.split(' ').any(|id| id == "form-error"))
            });
            assert!(described, "{name}");
        }
    }

    #[test]
    fn nothing_needs_script_inline_style_or_a_foreign_file() {
        on_every_page(|page, tags| {
            let scripts: Vec<&Tag> = tags.iter().filter(|tag| tag.name == "script").collect();
            ensure(page.html.to_lowercase().matches("<script").count() == scripts.len(), "a script in disguise")?;
            ensure(
                scripts.len()
                    == usize::from(
                        ["form-post-", "fragment-", "signing-out-"].iter().any(|name| page.name.starts_with(name)),
                    ),
                "a script element",
            )?;
            for script in scripts {
                ensure(script.attribute("src").is_some_and(|path| find_asset(path).is_some()), "a foreign script")?;
                ensure(script.text.is_empty(), "an inline script")?;
            }
            for tag in tags {
                let forbidden = ["style", "object", "embed", "base", "img"];
                // Tools end their own sessions in frames, which can do nothing to the page around them.
                if tag.name == "iframe" {
                    ensure(page.name.starts_with("signing-out-"), "a frame")?;
                    ensure(tag.attribute("hidden").is_some(), "a frame to be seen")?;
                    let sandbox = tag.attribute("sandbox");
                    ensure(sandbox == Some("allow-same-origin allow-scripts"), "a frame that may do more")?;
                }
                ensure(!forbidden.contains(&tag.name.as_str()), format!("{} element", tag.name))?;
                for (name, value) in &tag.attributes {
                    ensure(name != "style", "a style attribute")?;
                    ensure(!name.starts_with("on"), format!("a handler: {name}"))?;
                    ensure(!value.starts_with("javascript:"), format!("a script in {name}"))?;
                }
            }
            for link in tags.iter().filter(|tag| tag.name == "link") {
                let path = link.attribute("href").unwrap_or_default();
                ensure(path.starts_with(PREFIX), format!("a foreign file: {path}"))?;
                ensure(find_asset(path).is_some(), format!("no such asset: {path}"))?;
            }
            Ok(())
        });
    }

    #[test]
    fn hostile_text_comes_out_as_text() {
        let hostile: Vec<_> = gallery().unwrap().into_iter().filter(|page| page.name.ends_with("-hostile")).collect();
        assert!(hostile.len() >= 12, "a view without a hostile sample");
        for page in hostile {
            assert!(page.html.contains("&#60;script&#62;"), "{}: nothing hostile", page.name);
            let tags = tags(&page.html).unwrap();
            let strangers = ["b", "i", "script", "img"];
            let is_ours = |tag: &Tag| tag.attribute("src").is_some_and(|path| find_asset(path).is_some());
            assert!(
                !tags.iter().any(|tag| strangers.contains(&tag.name.as_str()) && !is_ours(tag)),
                "{}: hostile text became an element",
                page.name
            );
        }
    }

    #[test]
    fn the_refusal_names_the_group_and_whom_to_ask() {
        for (name, page) in Denied::samples() {
            let html = page.render().unwrap();
            if name != "hostile" {
                for group in &page.missing_groups {
                    assert!(html.contains(group.as_str()), "{name}: {group}");
                }
            }
            assert!(html.contains("How to get in"), "{name}");
        }
    }
}
