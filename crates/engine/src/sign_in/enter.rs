//! From the sign-in host to the app's host: a ticket, single use, good for half a minute, bound to the
//! browser that asked for it; then a pass for that host alone.

use crate::denials;
use crate::door::Door;
use crate::gate::decide::{Refusal, Verdict, Visitor, decide};
use crate::live::apps::Place;
use crate::live::realms::sign_in_rules;
use crate::sign_in::flow::{Entrance, Wish};
use doorward_model::address::{BackTo, HostName};
use doorward_model::context::Ctx;
use doorward_model::event::{Event, EventKind};
use doorward_model::fault::Fault;
use doorward_model::id::{AppId, RealmId};
use doorward_model::limits;
use doorward_model::secret::{PlainToken, TokenHash, TokenKind};
use doorward_model::session::{Pass, Session};
use doorward_model::time::Timestamp;
use doorward_store::sessions::{self, SignedIn, UsedTicket};

/// What a signed-in browser gets when it asks to enter an app.
pub enum Entry {
    /// A ticket for the app's host.
    Ticket(PlainToken),
    /// The rule says yes, and the app is entered by a pass shared by the parent domain.
    Shared,
    /// They have to come in by another way first.
    OtherWay,
    /// The app's rule says no; the verdict says why.
    Refused(Verdict),
    /// The app is gone.
    Gone,
}

/// A pass for the browser on the app's host.
pub struct Admitted {
    /// For the pass cookie.
    pub pass: PlainToken,
    /// The app it opens.
    pub app_id: AppId,
    /// Where to go next.
    pub back_to: BackTo,
    /// How long the pass may live at most, in seconds; `None` for as long as the browser is open.
    pub keep_seconds: Option<i64>,
}

/// Whether a session was opened with "keep me signed in".
pub async fn is_remembered(door: &Door, now: Timestamp, realm: &RealmId, idle_seconds: i64) -> Result<bool, Fault> {
    let (_, lives) = sign_in_rules(door, now, &mut &door.store, realm).await?;
    Ok(idle_seconds > lives.or(door.settings.sessions).idle_seconds)
}

/// Asks the rule, and draws a ticket.
pub async fn ask(door: &Door, ctx: &Ctx, signed_in: &SignedIn, wish: &Wish) -> Result<Entry, Fault> {
    let apps = door.live.apps();
    let Some(app) = apps.find(&wish.app_id) else { return Ok(Entry::Gone) };
    let person = door.live.person(&door.store, signed_in.user.clone()).await?;
    let came = signed_in.session.came_by();
    let visitor = Visitor::Person { user: &signed_in.user, groups: &person.groups, came };
    let verdict = decide(ctx.now, app, None, Some(visitor));
    if let Verdict::Refused(Refusal::OtherWay(_)) = verdict {
        return Ok(Entry::OtherWay);
    }
    if !matches!(verdict, Verdict::Pass(_)) {
        let words = verdict.words(|id| apps.group_name(id).map(ToString::to_string));
        let detail = format!("user {} at app {} {words}", signed_in.user.name, app.slug);
        let event = Event::new(EventKind::GateDenied, Some(&app.realm_id), signed_in.user.id.to_string(), detail);
        denials::note(door, ctx, (signed_in.session.id.as_str(), app.id.as_str()), event).await?;
        return Ok(Entry::Refused(verdict));
    }
    if wish.entrance == Entrance::Shared {
        return Ok(Entry::Shared);
    }
    let token = PlainToken::draw(TokenKind::Ticket, &*door.dice);
    let ticket = UsedTicket {
        session_id: signed_in.session.id.clone(),
        app_id: app.id.clone(),
        back_url: wish.back_to.url(),
        binding: wish.binding.clone(),
    };
    let mut tx = door.begin().await?;
    sessions::create_ticket(&mut tx, &token.hash(), &ticket, ctx.now.plus_seconds(limits::TICKET_SECONDS)).await?;
    door.commit(ctx, tx).await?;
    Ok(Entry::Ticket(token))
}

/// Turns a ticket into a pass. `None` when the ticket is used, over, of another host or another browser.
pub async fn admit(
    door: &Door,
    ctx: &Ctx,
    host: &HostName,
    ticket: &TokenHash,
    binding: Option<&TokenHash>,
) -> Result<Option<Admitted>, Fault> {
    let mut tx = door.begin().await?;
    let Some(used) = sessions::use_ticket(&mut tx, ticket, ctx.now).await? else { return Ok(None) };
    let apps = door.live.apps();
    let back_to = apps
        .find(&used.app_id)
        .and_then(|app| BackTo::resolve(&used.back_url, &app.settings.addresses))
        .filter(|back_to| back_to.address().host() == host);
    let bound = binding.is_some_and(|hash| hash.hex() == used.binding);
    let Some(back_to) = back_to.filter(|_| bound) else {
        // The ticket stays used up: whoever showed it here had no right to it.
        door.commit(ctx, tx).await?;
        return Ok(None);
    };
    let pass = PlainToken::draw(TokenKind::Pass, &*door.dice);
    let kept =
        Pass { session_id: used.session_id.clone(), app_id: Some(used.app_id.clone()), host: host.as_str().to_owned() };
    sessions::create_pass(&mut tx, &pass.hash(), &kept, ctx.now).await?;
    // The session may be gone when somebody asks who was where.
    let whose = sessions::find_by_id(&mut tx, &used.session_id).await?;
    let whose = whose.map(|session| format!(", user {}", session.user_id)).unwrap_or_default();
    let detail = format!("app {} at {host}{whose}", used.app_id);
    tx.record(Event::new(EventKind::PassIssued, None, used.session_id.to_string(), detail));
    door.commit(ctx, tx).await?;
    let loaded = door.live.load_pass(&door.store, &pass.hash()).await?;
    let Some(loaded) = loaded.filter(|loaded| loaded.session.is_live(ctx.now)) else { return Ok(None) };
    let session = &loaded.session;
    let is_remembered = is_remembered(door, ctx.now, &session.person.user.realm_id, session.idle_seconds).await?;
    let keep_seconds = is_remembered.then(|| session.expires_at.millis_since(ctx.now) / 1000);
    Ok(Some(Admitted { pass, app_id: used.app_id, back_to, keep_seconds }))
}

/// In parent-domain mode: a pass for every app below the domain, drawn beside the session.
pub async fn shared_pass(door: &Door, ctx: &Ctx, session: &Session) -> Result<Option<PlainToken>, Fault> {
    let Some(domain) = &door.settings.shared_domain else { return Ok(None) };
    let pass = PlainToken::draw(TokenKind::SharedPass, &*door.dice);
    let kept = Pass { session_id: session.id.clone(), app_id: None, host: domain.as_str().to_owned() };
    let mut tx = door.begin().await?;
    sessions::create_pass(&mut tx, &pass.hash(), &kept, ctx.now).await?;
    tx.record(Event::new(
        EventKind::PassIssued,
        None,
        session.id.to_string(),
        format!("parent domain {domain}, user {}", session.user_id),
    ));
    door.commit(ctx, tx).await?;
    Ok(Some(pass))
}

/// Where on a place a browser goes back to: `wanted` if it lies there, else its front page.
pub fn back_at(place: &Place, wanted: Option<&str>) -> Option<BackTo> {
    let addresses = std::slice::from_ref(&*place.address);
    wanted.and_then(|wanted| BackTo::resolve(wanted, addresses)).or_else(|| BackTo::front(&place.address))
}
