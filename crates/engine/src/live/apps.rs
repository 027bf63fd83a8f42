//! The snapshot of apps the gate judges by: who answers at which host and path.

use crate::live::Live;
use doorward_model::address::{Address, Host};
use doorward_model::app::App;
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, GroupId, RealmId};
use doorward_model::name::GroupName;
use doorward_model::path::{Ambiguous, AskedPath};
use doorward_model::people::Realm;
use doorward_store::store::Store;
use doorward_store::{apps, realms};
use std::collections::HashMap;
use std::sync::Arc;

/// All apps at one moment. Never changed, only replaced.
#[derive(Default)]
pub struct Apps {
    /// Grows with every replacement.
    pub version: u64,
    by_host: HashMap<Arc<str>, Vec<Place>>,
    by_id: HashMap<AppId, Arc<App>>,
    group_names: HashMap<GroupId, GroupName>,
    realms: HashMap<RealmId, Realm>,
}

/// An app at one of its addresses.
#[derive(Clone)]
pub struct Place {
    /// The app.
    pub app: Arc<App>,
    /// Which of its addresses.
    pub address: Arc<Address>,
    /// What tells this app's pass from those of other apps at the same host.
    pub label: Arc<str>,
}

/// A short name for an app, for use where its pass is kept.
pub fn label(app: &AppId) -> &str {
    app.as_str().rsplit('_').next().and_then(|text| text.get(..LABEL_LETTERS)).unwrap_or_default()
}

/// Forty bits tell the few apps of one host apart.
const LABEL_LETTERS: usize = 8;

impl Apps {
    /// Builds a snapshot.
    pub fn new(version: u64, apps: Vec<App>, group_names: HashMap<GroupId, GroupName>, realms: Vec<Realm>) -> Self {
        let realms = realms.into_iter().map(|realm| (realm.id.clone(), realm)).collect();
        let mut by_host: HashMap<Arc<str>, Vec<Place>> = HashMap::new();
        let mut by_id = HashMap::new();
        for app in apps {
            let app = Arc::new(app);
            for address in &app.settings.addresses {
                let label = label(&app.id).into();
                let place = Place { app: app.clone(), address: Arc::new(address.clone()), label };
                by_host.entry(address.host().as_str().into()).or_default().push(place);
            }
            by_id.insert(app.id.clone(), app);
        }
        // The longest prefix is tried first, so that an app below another's path is found.
        for places in by_host.values_mut() {
            places.sort_by_key(|place| std::cmp::Reverse(place.address.prefix().len()));
        }
        Self { version, by_host, by_id, group_names, realms }
    }

    /// Whether some app answers at this host.
    pub fn knows_host(&self, host: &Host<'_>) -> bool {
        self.by_host.contains_key(host.as_str())
    }

    /// The app that answers at this host and path.
    ///
    /// # Errors
    /// When the path is spelled so that some server could take it for another app of the host: two readers,
    /// two rules, so nobody passes.
    pub fn at(&self, host: &Host<'_>, path: &AskedPath<'_>) -> Result<Option<&Place>, Ambiguous> {
        let places = self.at_host(host);
        let meant = places.iter().find(|place| place.address.covers(path));
        if path.is_plain() && !path.has_upper_case() {
            return Ok(meant);
        }
        let loosest = places.iter().find(|place| place.address.could_cover(path));
        match (meant, loosest) {
            (Some(meant), Some(loosest)) if !Arc::ptr_eq(&meant.address, &loosest.address) => {
                Err(Ambiguous::AnotherApp)
            }
            (None, Some(_)) => Err(Ambiguous::AnotherApp),
            _ => Ok(meant),
        }
    }

    /// The places at a host, longest prefix first.
    pub fn at_host(&self, host: &Host<'_>) -> &[Place] {
        self.by_host.get(host.as_str()).map_or(&[], Vec::as_slice)
    }

    /// A host's text, from the snapshot when some app answers there: kept by many, it is in memory once.
    pub(crate) fn host_text(&self, host: &str) -> Arc<str> {
        self.by_host.get_key_value(host).map_or_else(|| host.into(), |(text, _)| text.clone())
    }

    /// The app of that id.
    pub fn find(&self, id: &AppId) -> Option<&Arc<App>> {
        self.by_id.get(id)
    }

    /// Apps of a realm, by title.
    pub fn of_realm(&self, realm: &RealmId) -> Vec<Arc<App>> {
        let mut apps: Vec<_> = self.by_id.values().filter(|app| app.realm_id == *realm).cloned().collect();
        apps.sort_by(|a, b| a.settings.title.cmp(&b.settings.title));
        apps
    }

    /// The name of a group some rule names.
    pub fn group_name(&self, id: &GroupId) -> Option<&GroupName> {
        self.group_names.get(id)
    }

    /// The realm of that id, as of this snapshot.
    pub fn realm(&self, id: &RealmId) -> Option<&Realm> {
        self.realms.get(id)
    }

    /// How many apps there are.
    pub fn count(&self) -> usize {
        self.by_id.len()
    }
}

impl Live {
    /// Replaces the snapshot by what the store holds now. One at a time, so that a slow older read
    /// never replaces a newer one.
    pub(crate) async fn reload_apps(&self, store: &Store) -> Result<(), Fault> {
        let _alone = self.reloading.lock().await;
        let (apps, names) = apps::all(&mut &*store).await?;
        let realms = realms::list(&mut &*store, i64::MAX).await?;
        let version = self.apps.load().version + 1;
        self.apps.store(Arc::new(Apps::new(version, apps, names, realms)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Apps;
    use doorward_model::address::{Address, HostName};
    use doorward_model::app::{Access, App, AppSettings, Icon};
    use doorward_model::dice::Counting;
    use doorward_model::id::{AppId, RealmId};
    use doorward_model::name::{AppSlug, DisplayText};
    use doorward_model::path::{Ambiguous, RequestPath};
    use std::collections::HashMap;

    fn app(slug: &str, address: &str, dice: &Counting) -> Option<App> {
        let settings = AppSettings {
            title: DisplayText::parse(slug).ok()?,
            description: None,
            icon: Icon::Generic,
            addresses: vec![Address::parse(address).ok()?],
            upstream: None,
            public_paths: Vec::new(),
            headers: Vec::new(),
            bearer_token: false,
            how_to_ask: None,
        };
        let (id, realm_id) = (AppId::draw(dice), RealmId::draw(dice));
        Some(App { id, realm_id, slug: AppSlug::parse(slug).ok()?, access: Access::default(), settings })
    }

    #[test]
    fn a_path_that_some_server_reads_as_another_apps_is_nobodys() {
        let dice = Counting::new(5);
        let apps = [("open", "https://h.example.com"), ("secret", "https://h.example.com/secret")];
        let apps: Vec<App> = apps.iter().filter_map(|(slug, address)| app(slug, address, &dice)).collect();
        let apps = Apps::new(1, apps, HashMap::new(), Vec::new());
        let at = |path: &str| {
            let (Some((host, _)), Ok(path)) = (HostName::parse("h.example.com"), RequestPath::parse(path)) else {
                panic!("{path}")
            };
            apps.at(&host, &path).map(|place| place.map(|place| place.app.slug.to_string()))
        };
        assert_eq!(at("/x"), Ok(Some("open".to_owned())));
        assert_eq!(at("/secret/x"), Ok(Some("secret".to_owned())));
        for path in ["/SECRET/x", "/%73ecret/x", "//secret/x", "/;a/secret/x", "/secret;v=1/x"] {
            assert_eq!(at(path), Err(Ambiguous::AnotherApp), "{path}");
        }
    }
}
