//! A browser of a domain shows a ticket, without anybody typing anything (RFC 4559). It is asked once for one, with the
//! ordinary page as the body of the question: whoever has no ticket sees that. What does not count leads to the page, where
//! nobody is asked again.

use crate::answers::{self, Outcome};
use crate::callers::visitor;
use crate::own::broker::Asked;
use crate::own::directory::words_for;
use crate::own::sign_in::{self as page, Browser, Way, flow_over};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_engine::federation::settings::KerberosSettings;
use doorward_engine::federation::sign_in::{Unproved, unproved};
use doorward_engine::federation::{Connector, ExternalIdentity, Through, open_secret, tickets};
use doorward_engine::live::realms::LiveRealm;
use doorward_gate::ask::{self, Kind};
use doorward_kerberos::accept::{self, Proved, accept};
use doorward_kerberos::trouble::Trouble;
use doorward_kerberos::{keytab, limits};
use doorward_model::fault::Fault;
use doorward_model::secret_ref::SecretRef;
use doorward_world::secrets;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};

/// A connector of this kind.
type Here<'a> = (&'a LiveRealm, &'a Connector, &'a KerberosSettings);

const SCHEME: &str = "Negotiate";

/// Asks a browser for a ticket, or takes the one it shows.
pub(super) async fn out(asked: &Asked<'_>, here: Here<'_>, flow: &str) -> Outcome {
    let (web, ctx, (realm, _, settings)) = (asked.web, &asked.arrival.ctx, here);
    let browser = Browser::of(web, asked.headers);
    let Some(way) = Way::of_flow(web, asked.arrival, realm, (flow, &browser)).await? else {
        return Ok(flow_over(web, ctx, realm));
    };
    // Programs get no ticket by being asked, and who has to prove themselves anew does not by an old one.
    if ask::kind(asked.headers) == Kind::Call || way.wants_a_person() || asked.chooses_account(&way) {
        return Ok(to_page(realm, flow, ""));
    }
    // Nobody who is in becomes somebody else without a word, whoever led the browser here; unless they are in by a way that
    // does not count where they want to go.
    let visitor = visitor(web, asked.arrival, asked.headers).await?;
    if visitor.is_some_and(|visitor| way.admits(web, visitor.signed_in.session.came_by())) {
        return Ok(to_page(realm, flow, ""));
    }
    match shown(asked.headers) {
        Shown::Nothing if settings.may_help(ctx.client) => {
            let mut answer = page::ask(web, StatusCode::UNAUTHORIZED, (realm, flow), (&way, &browser))?;
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(SCHEME));
            Ok(answer)
        }
        Shown::Nothing => Ok(to_page(realm, flow, "")),
        Shown::Odd => {
            let why = Trouble::Malformed("it is no token in base64");
            refused(asked, here, flow, &why.to_string()).await
        }
        Shown::Token(token) => take(asked, here, (flow, &way), &token).await,
    }
}

/// What a request shows.
enum Shown {
    Nothing,
    Odd,
    Token(Vec<u8>),
}

fn shown(headers: &HeaderMap) -> Shown {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (
        match all.next() {
            Some(value) => value.to_str().unwrap_or_default(),
            None => return Shown::Nothing,
        },
        all.next(),
    ) else {
        return Shown::Odd;
    };
    let Some((scheme, text)) = value.split_once(' ') else { return Shown::Odd };
    if !scheme.eq_ignore_ascii_case(SCHEME) || text.len() > limits::TOKEN_BYTES.div_ceil(3) * 4 {
        return Shown::Odd;
    }
    STANDARD.decode(text.trim()).map_or(Shown::Odd, Shown::Token)
}

/// To the ordinary page of the same attempt, where nobody is asked for a ticket.
fn to_page(realm: &LiveRealm, flow: &str, more: &str) -> Response {
    answers::see_other(&format!("/realms/{}/sign-in?flow={flow}&way=page{more}", realm.name))
}

async fn refused(asked: &Asked<'_>, (realm, connector, _): Here<'_>, flow: &str, why: &str) -> Outcome {
    tracing::warn!(request = %asked.arrival.ctx.request, connector = %connector.name, "{why}");
    unproved(asked.web.door(), &asked.arrival.ctx, (realm, connector), Unproved::NotProved).await?;
    Ok(to_page(realm, flow, "&ticket=refused"))
}

async fn take(asked: &Asked<'_>, here: Here<'_>, (flow, way): (&str, &Way), token: &[u8]) -> Outcome {
    let (ctx, (realm, connector, settings)) = (&asked.arrival.ctx, here);
    let proved = match judge(asked, settings, token).await {
        Ok(proved) => proved,
        Err(trouble) => return refused(asked, here, flow, &trouble.to_string()).await,
    };
    // As old as the person's last proof to the domain, whatever the ticket's own age.
    if let Some(seconds) = way.fresh_seconds()
        && proved.authenticated_at < ctx.now.plus_seconds(-seconds)
    {
        return Ok(to_page(realm, flow, ""));
    }
    let answer = HeaderValue::from_str(&format!("{SCHEME} {}", STANDARD.encode(&proved.answer)));
    let once = tickets::once(asked.web.door(), settings, (&proved.mark, proved.until)).await?;
    let mut came = match &settings.directory {
        None => {
            let Some(subject) = settings.subject(&proved.name) else {
                let why = "its name has letters that may be capitals of others, and capitals make no difference";
                return refused(asked, here, flow, why).await;
            };
            let identity = ExternalIdentity {
                issuer: settings.realm.clone(),
                subject,
                name: Some(proved.name),
                vouched_at: Some(proved.authenticated_at),
                once,
                ..ExternalIdentity::default()
            };
            asked.arrived((realm, connector, flow), &identity, way).await?
        }
        Some(_) => match look(asked, here, &proved).await? {
            Looked::Found(directory, identity) => {
                let through = Through { connector: connector.id.clone(), revision: connector.revision };
                let identity = ExternalIdentity { once, through: Some(through), ..*identity };
                asked.arrived((realm, directory, flow), &identity, way).await?
            }
            Looked::Barred(what) => {
                unproved(asked.web.door(), ctx, (realm, connector), Unproved::ProviderRefused).await?;
                let words = ("You are not signed in", what.as_str(), "");
                super::problem(asked, (realm, flow), StatusCode::FORBIDDEN, words)
            }
            Looked::Not(why) => return refused(asked, here, flow, &why).await,
        },
    };
    if let Ok(answer) = answer {
        came.headers_mut().insert(WWW_AUTHENTICATE, answer);
    }
    Ok(came)
}

async fn judge(asked: &Asked<'_>, settings: &KerberosSettings, token: &[u8]) -> Result<Proved, Trouble> {
    accept::look(token, &settings.service, &settings.realm)?;
    let SecretRef::File(path) = &settings.keytab else { return Err(Trouble::Keytab("it is no file".to_owned())) };
    // Read for every ticket, so that another one needs no restart.
    let keytab = secrets::read_bytes(path, limits::KEYTAB_BYTES).await.map_err(Trouble::Keytab)?;
    let held = accept::Asked {
        service: &settings.service,
        realm: &settings.realm,
        keys: &keytab::read(&keytab)?,
        now: asked.arrival.ctx.now,
        tolerance: i64::from(settings.clock_tolerance_seconds),
    };
    accept(token, &held, &**asked.web.world.dice())
}

/// Who a directory says it is.
enum Looked<'r> {
    Found(&'r Connector, Box<ExternalIdentity>),
    Barred(String),
    Not(String),
}

/// Asks the directory about whom a ticket proves.
async fn look<'r>(
    asked: &Asked<'_>,
    (realm, _, settings): (&'r LiveRealm, &Connector, &KerberosSettings),
    proved: &Proved,
) -> Result<Looked<'r>, Fault> {
    let (web, ctx) = (asked.web, &asked.arrival.ctx);
    let is_it = |connector: &&Connector| Some(&connector.name) == settings.directory.as_ref();
    let Some(directory) = realm.connectors.iter().find(is_it).filter(|one| one.settings.kind.ldap().is_some()) else {
        return Ok(Looked::Not("its directory is no active connector to a directory".to_owned()));
    };
    let sealed = open_secret(web.door(), directory)?;
    let identity = match web.directories.look(directory, sealed, (&proved.name, ctx.now)).await {
        Ok(Some((_, Some(bar)))) => return Ok(Looked::Barred(words_for(directory, bar))),
        Ok(Some((identity, None))) => identity,
        Ok(None) => return Ok(Looked::Not("the directory has nobody of the ticket's name".to_owned())),
        Err(trouble) => return Ok(Looked::Not(trouble.to_string())),
    };
    // The filter may find people by other names too, which the realm may have given to somebody else.
    let folds = settings.ignore_case || directory.settings.kind.ldap().is_some_and(|ldap| ldap.active_directory);
    let is_same = |name: &String| *name == proved.name || (folds && name.eq_ignore_ascii_case(&proved.name));
    Ok(match identity.name.as_ref().is_some_and(is_same) {
        true => Looked::Found(directory, Box::new(identity)),
        false => Looked::Not("the directory calls whom it found by another name than the ticket's".to_owned()),
    })
}
