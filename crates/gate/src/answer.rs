//! A proxy's question, judged: the answer kept ready where there is one, else a fresh verdict.

use crate::ask::{self, BadAsk, Original};
use crate::dialect::{self, Dialect, WhenSignedOut};
use crate::headers::{self, Extras};
use crate::kept::{self, Returned, Shapes};
use crate::refuse::Words;
use crate::tell::{put_back, returned};
use crate::trust::TrustedProxies;
use bytes::Bytes;
use doorward_engine::door::Door;
use doorward_engine::gate::check::{self, Checked, Credential, Holder};
use doorward_engine::gate::decide::{Refusal, Verdict};
use doorward_engine::live::apps::{Apps, Place};
use doorward_engine::live::people::{LivePass, Prepared};
use doorward_model::address::Host;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::time::Timestamp;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode, Uri};
use std::net::IpAddr;
use std::sync::Arc;

/// The gate: a door and its words.
pub struct Gate {
    /// The door.
    pub door: Arc<Door>,
    /// The pages.
    pub words: Arc<dyn Words>,
    pub(crate) shapes: Shapes,
}

/// The head of a proxy's request.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target.
    pub uri: &'a Uri,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Who sent it.
    pub peer: IpAddr,
    /// Whose word on the client's address counts.
    pub trusted: &'a TrustedProxies,
}

impl Head<'_> {
    /// The address of the client behind the proxies.
    pub fn client(&self) -> IpAddr {
        self.trusted.client_address(self.peer, self.headers)
    }
}

/// What the gate decided, before it is put in words.
pub enum Outcome {
    /// Let through, with these headers for the tool.
    Pass {
        /// The identity headers.
        told: HeaderMap,
        /// Who it is, for those who end streams when the right to them ends.
        holder: Holder,
    },
    /// Anything else: the answer is ready.
    Answer(Response<Bytes>),
}

impl Gate {
    /// A gate at a door.
    pub fn new(door: Arc<Door>, words: Arc<dyn Words>) -> Self {
        Self { door, words, shapes: Shapes::default() }
    }

    /// Answers a proxy's question, sent to the host `own`, which is an app's or not.
    pub async fn answer<'t>(
        &self,
        ctx: &Ctx,
        apps: &Apps,
        dialect: &Dialect,
        head: Head<'t>,
        (own, is_an_apps): (&Result<Host<'t>, BadAsk>, bool),
    ) -> Response<Bytes> {
        let (host, path) = match ask::target(dialect, head.uri, head.headers, own, |_| is_an_apps) {
            Ok(target) => target,
            Err(bad) => return self.bad(ctx, head.headers, &bad),
        };
        let place = match apps.at(&host, &path) {
            Ok(Some(place)) => place,
            Ok(None) => {
                let sentence = format!("no app answers at {host}{}", path.path());
                return self.problem(ctx, ask::kind(head.headers), StatusCode::FORBIDDEN, &sentence);
            }
            Err(ambiguous) => return self.bad(ctx, head.headers, &ambiguous.into()),
        };
        if dialect.passes_own_paths && path.is_plain() && path.is_under(AUTHENTIK_PATHS) {
            let mut told = headers::tell(dialect.families, None, &NOTHING);
            told.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            return allowed(dialect, told);
        }
        let (scheme, label) = (place.address.scheme(), &*place.label);
        let (credentials, left) = match dialect.cleans {
            true => {
                let (credentials, cookie) = ask::credentials_and_rest(head.headers, scheme, label);
                (credentials, Some(returned(head.headers, place, cookie)))
            }
            false => (ask::credentials(head.headers, scheme, label), None),
        };
        // Who it is matters afterwards only where the question itself may narrow who passes.
        let holder_of = |pass: &Arc<LivePass>| dialect.narrows.then(|| Holder::Person(pass.clone()));
        let narrows = dialect.narrows && !place.app.is_public(&path);
        let (told, holder) = match self.ready(ctx.now, dialect, place, credentials[0], left, holder_of) {
            Some(ready) => ready,
            None => {
                let original = match ask::original((host, path), head.method, head.headers) {
                    Ok(original) => original,
                    Err(bad) => return self.bad(ctx, head.headers, &bad),
                };
                let leads = dialect.number == dialect::VERIFY && head.uri.query().is_some_and(names_a_portal);
                let portal = Dialect { signed_out: WhenSignedOut::Redirect, ..*dialect };
                let dialect = if leads { &portal } else { dialect };
                let asked = (&original, head.headers);
                // Whose address it is matters to the record only.
                let ctx = &Ctx { client: Some(head.client()), ..ctx.clone() };
                // Boxed, because the future of every request is as large as its largest way through.
                match Box::pin(self.judge_afresh(ctx, dialect, apps, place, asked, credentials)).await {
                    Outcome::Answer(answer) => return answer,
                    Outcome::Pass { mut told, holder } => {
                        if dialect.cleans {
                            let returned = returned(head.headers, place, ask::clean_cookies(head.headers));
                            put_back(returned, place, &mut told);
                        }
                        (told, Some(holder))
                    }
                }
            }
        };
        if narrows {
            let holder = holder.unwrap_or(Holder::Nobody);
            if let Some(refused) = self.narrow(ctx, head.uri, &holder, ask::kind(head.headers)) {
                return refused;
            }
        }
        allowed(dialect, told)
    }

    /// Judges a request at a place.
    pub async fn judge(
        &self,
        ctx: &Ctx,
        dialect: &Dialect,
        apps: &Apps,
        place: &Place,
        original: &Original,
        headers: &HeaderMap,
    ) -> Outcome {
        let credentials = ask::credentials(headers, place.address.scheme(), &place.label);
        let holder_of = |pass: &Arc<LivePass>| Holder::Person(pass.clone());
        if let Some((told, holder)) = self.ready(ctx.now, dialect, place, credentials[0], None, holder_of) {
            return Outcome::Pass { told, holder };
        }
        // Boxed, because the future of every request is as large as its largest way through.
        Box::pin(self.judge_afresh(ctx, dialect, apps, place, (original, headers), credentials)).await
    }

    /// The first credential that belongs to somebody counts: a pass that is over must not hide a good one.
    async fn check(
        &self,
        now: Timestamp,
        place: &Place,
        original: &Original,
        [first, second]: [Credential; 2],
    ) -> Result<Checked, Fault> {
        let checked = check::check(&self.door, now, place, &original.path, first).await?;
        match (&checked.holder, second) {
            (Holder::Nobody, Credential::SharedPass(_)) => {
                check::check(&self.door, now, place, &original.path, second).await
            }
            _ => Ok(checked),
        }
    }

    async fn judge_afresh(
        &self,
        ctx: &Ctx,
        dialect: &Dialect,
        apps: &Apps,
        place: &Place,
        (original, headers): (&Original, &HeaderMap),
        credentials: [Credential; 2],
    ) -> Outcome {
        let checked = match self.check(ctx.now, place, original, credentials).await {
            Ok(checked) => checked,
            Err(fault) => return Outcome::Answer(self.fault(ctx, original.kind, &fault)),
        };
        match &checked.verdict {
            Verdict::Pass(_) => match self.tell(ctx.now, dialect, apps, place, &checked) {
                Ok(told) => Outcome::Pass { told, holder: checked.holder },
                Err(fault) => Outcome::Answer(self.fault(ctx, original.kind, &fault)),
            },
            Verdict::SignIn | Verdict::Refused(Refusal::TokenExpired | Refusal::Inactive) => {
                if matches!(credentials[0], Credential::Service(_) | Credential::Malformed) {
                    return Outcome::Answer(self.bad_token(ctx));
                }
                Outcome::Answer(self.sign_in(ctx, dialect, place, original))
            }
            // Whoever can come in by another way is asked to; a program cannot.
            Verdict::Refused(Refusal::OtherWay(_)) if matches!(checked.holder, Holder::Person(_)) => {
                Outcome::Answer(self.sign_in(ctx, dialect, place, original))
            }
            Verdict::Refused(_) => {
                if let Err(fault) = check::record_denial(&self.door, ctx, place, &original.host, &checked).await {
                    tracing::warn!(request = %ctx.request, "recording a denial: {fault}");
                }
                Outcome::Answer(self.refuse(ctx, dialect, apps, place, (original, headers), &checked))
            }
        }
    }

    /// The answer made before for this pass, app and dialect, while nothing it rests on has changed, with what
    /// is returned of the client's headers, and what the caller wants to know of the holder.
    fn ready<T>(
        &self,
        now: Timestamp,
        dialect: &Dialect,
        place: &Place,
        credential: Credential,
        returned: Option<Returned>,
        holder_of: impl FnOnce(&Arc<LivePass>) -> T,
    ) -> Option<(HeaderMap, T)> {
        let (Credential::Pass(hash) | Credential::SharedPass(hash)) = credential else { return None };
        let fits = |kept: &&Prepared| kept.is_for(&place.app, dialect.number) && now < kept.until;
        let (ready, to_keep) = self.door.live.look_at_pass(&hash, |pass| {
            let holds = pass.is_live(now)
                && check::fits(&self.door, pass, place, credential)
                && check::refuse_when_out_of_step(&self.door, now).is_ok();
            if !holds {
                return None;
            }
            let (told, to_keep) = match pass.prepared.as_ref().filter(fits) {
                Some(prepared) => (kept::put_together(&*prepared.shape, &prepared.own, returned)?, None),
                None => {
                    // Made for another session of this person, which may have come in by another way.
                    if !place.app.access.ways.admit(pass.session.came_by()) {
                        return None;
                    }
                    let prepared = pass.session.person.prepared(&place.app, dialect.number, now)?;
                    (kept::put_together(&*prepared.shape, &prepared.own, returned)?, Some((pass.clone(), prepared)))
                }
            };
            self.door.live.saw(&pass.session, now);
            Some(((told, holder_of(pass)), to_keep))
        })?;
        if let Some((pass, prepared)) = to_keep {
            // At hand the next time: asking the person costs more ways through memory.
            self.door.live.keep_told(&pass, prepared);
        }
        Some(ready)
    }
}

/// Paths of authentik's outpost on every app's host.
const AUTHENTIK_PATHS: &str = "/outpost.goauthentik.io";
/// What fills headers that tell of nobody.
const NOTHING: Extras<'_> = Extras { app: "", keys_url: "", token: None, bearer: false };

/// The answer that lets through; what is told forbids its keeping already.
fn allowed(dialect: &Dialect, told: HeaderMap) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = dialect.allow;
    *answer.headers_mut() = told;
    answer
}

/// Whether Authelia's older endpoint was told where its portal is: only then it redirects.
fn names_a_portal(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("rd="))
}
