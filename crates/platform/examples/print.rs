use doorward_model::{address::Address, app::HeaderFamily, name::*};
use doorward_platform::recipes::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let kind = RecipeKind::parse(&a[1]).unwrap();
    let slug = AppSlug::parse("dagster").unwrap();
    let title = DisplayText::parse("Dagster").unwrap();
    let addresses = vec![
        Address::parse(&format!("http://app.localhost:{}", a[3].rsplit(':').next().unwrap())).unwrap(),
        Address::parse("http://second.localhost").unwrap(),
    ];
    let d = Address::parse("http://door.localhost:28100").unwrap();
    let facts = RecipeFacts {
        slug: &slug,
        title: &title,
        addresses: &addresses,
        upstream: Place::parse("http://127.0.0.1:28001").unwrap(),
        doorward_http: Place::parse("127.0.0.1:28002").unwrap(),
        doorward_grpc: Place::parse("127.0.0.1:28003").unwrap(),
        listen: Place::parse(&a[3]).unwrap(),
        families: vec![HeaderFamily::Authentik, HeaderFamily::Remote],
        bearer_token: true,
        doorward: &d,
        allowed_groups: vec![GroupName::parse("dagster-users").unwrap()],
        public_paths: vec![],
    };
    let mut facts = facts; if std::env::var("BARE").is_ok() { facts.families = vec![]; facts.bearer_token = false; facts.listen = Place::parse("[::1]:28029").unwrap(); facts.upstream = Place::parse("localhost:28001").unwrap(); facts.doorward_http = Place::parse("[::1]:28002").unwrap(); }
    for f in render(kind, &facts) {
        std::fs::write(format!("{}/{}", a[2], f.name), f.text).unwrap();
    }
}
