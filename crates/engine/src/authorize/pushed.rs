//! Pushed authorization requests: a client hands its request over itself and sends the browser with a name for it.
//! What would not be taken at the authorization endpoint is not taken here. RFC 9126.

use crate::authorize::asked::Came;
use crate::authorize::{Return, acceptable, address, object};
use crate::clients::{Client, ClientKind};
use crate::door::Door;
use crate::token::Outcome;
use crate::token::dpop::Bound;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::limits;
use doorward_model::people::Realm;
use doorward_model::secret::{PlainToken, TokenHash, TokenKind};
use doorward_oauth::authorize::{AuthorizeRequest, Entry, PARAMETERS, PUSHED_PREFIX, query_of};
use doorward_oauth::error::{ErrorCode, OAuthError};
use doorward_oauth::parameters::Parameters;
use doorward_store::pushed::{self, PushedRow, Standing};

/// Takes a request from a client that has proved who it is; gives the name for it (RFC 9126 §2.2). The code it leads to
/// is bound to `key`, if the client showed one (RFC 9449 §10.1).
pub async fn push(
    door: &Door,
    ctx: &Ctx,
    (realm, client): (&Realm, &Client),
    parameters: &Parameters,
    key: Option<&Bound>,
) -> Outcome<String> {
    let name = PlainToken::draw(TokenKind::PushedRequest, &*door.dice);
    let row = match stated(door, ctx, (realm, client), parameters).and_then(|row| with_key(row, key)) {
        Ok(row) => row,
        Err(refused) => return Ok(Err(refused)),
    };
    let came = Came { pushed: Some(name.hash()), is_signed: row.is_signed };
    if let Err(refused) = check(door, realm, &row.query, came).await? {
        return Ok(Err(refused));
    }
    let most = if client.settings.kind == ClientKind::Public { limits::PUSHED_OF_PUBLIC_CLIENT } else { i64::MAX };
    let times = (ctx.now, ctx.now.plus_seconds(limits::PUSHED_SECONDS));
    let mut tx = door.begin().await?;
    if !pushed::create(&mut tx, (&name.hash(), &client.id), &row, times, most).await? {
        let sentence = "this client has pushed too many requests at once; try again in a minute";
        return Ok(Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, sentence)));
    }
    door.commit(ctx, tx).await?;
    Ok(Ok(format!("{PUSHED_PREFIX}{}", name.reveal())))
}

/// What the client says: its parameters, or those of the object it signed, and nothing besides.
fn stated(
    door: &Door,
    ctx: &Ctx,
    (realm, client): (&Realm, &Client),
    parameters: &Parameters,
) -> Result<PushedRow, OAuthError> {
    if parameters.one("request_uri")?.is_some() {
        return Err(OAuthError::invalid_request("request_uri is what you get here; leave it out"));
    }
    let name = client.name.as_str();
    if parameters.one("client_id")?.is_some_and(|other| other != name) {
        return Err(OAuthError::invalid_request("client_id is not that of the client that pushes the request"));
    }
    if let Some(text) = parameters.one("request")? {
        return Ok(PushedRow { query: object::open(door, realm, client, (text, ctx.now))?, is_signed: true });
    }
    let is_kept = |(known, _): &(&str, &str)| PARAMETERS.contains(known) && *known != "client_id";
    let query = query_of([("client_id", name)].into_iter().chain(parameters.iter().filter(is_kept)));
    Ok(PushedRow { query, is_signed: false })
}

/// With the key the client showed, which must be the one it names, if it names one.
fn with_key(row: PushedRow, key: Option<&Bound>) -> Result<PushedRow, OAuthError> {
    let Some(key) = key.map(Bound::thumbprint) else { return Ok(row) };
    let parameters = Parameters::parse_query(&row.query)?;
    match parameters.one("dpop_jkt")? {
        Some(named) if named != key => {
            let sentence = "dpop_jkt is not the key of the DPoP proof; leave it out, or send a proof of that key";
            Err(OAuthError::new(ErrorCode::InvalidDpopProof, sentence))
        }
        Some(_) => Ok(row),
        None => Ok(PushedRow { query: query_of(parameters.iter().chain([("dpop_jkt", key)])), ..row }),
    }
}

/// Whether the authorization endpoint would take it.
async fn check(door: &Door, realm: &Realm, query: &str, came: Came) -> Outcome<()> {
    let read = || {
        let parameters = Parameters::parse_query(query)?;
        parameters.check_doubled()?;
        Ok((Entry::parse(&parameters)?, AuthorizeRequest::parse(&parameters)))
    };
    let (entry, request) = match read() {
        Ok(read) => read,
        Err(refused) => return Ok(Err(refused)),
    };
    let back = match address(door, realm, &entry).await? {
        Ok(back) => Return { came, ..back },
        Err(sentence) => return Ok(Err(OAuthError::invalid_request(sentence))),
    };
    Ok(request.and_then(|request| acceptable(&back, &request)))
}

/// Opens a pushed request of a client for a browser that arrives with its name; `None` when there is none that is
/// good now: unknown, over, answered, another client's. From then on signing in may take its time. Only the first
/// arrival writes, so a name that is shown again and again costs nothing.
pub(super) async fn open(door: &Door, ctx: &Ctx, client: &Client, name: &str) -> Result<Option<(String, Came)>, Fault> {
    let Some((standing, hash)) = standing(door, client, name).await? else { return Ok(None) };
    if standing.used_at.is_some() || standing.expires_at <= ctx.now {
        return Ok(None);
    }
    if standing.kept_until <= standing.expires_at {
        let times = (ctx.now, ctx.now.plus_seconds(limits::PUSHED_MEMORY_SECONDS));
        let mut tx = door.begin().await?;
        if !pushed::open(&mut tx, (&hash, &client.id), times).await? {
            return Ok(None);
        }
        door.commit(ctx, tx).await?;
    }
    Ok(Some(came(standing.row, hash)))
}

/// One that a browser arrived with before, answered or not: whether it may be answered is asked when it is.
pub(super) async fn find(door: &Door, client: &Client, name: &str) -> Result<Option<(String, Came)>, Fault> {
    Ok(standing(door, client, name).await?.map(|(standing, hash)| came(standing.row, hash)))
}

async fn standing(door: &Door, client: &Client, name: &str) -> Result<Option<(Standing, TokenHash)>, Fault> {
    let Some(hash) = TokenHash::of_presented(TokenKind::PushedRequest, name) else { return Ok(None) };
    let found = pushed::find(&mut &door.store, &hash, &client.id).await?;
    Ok(found.map(|standing| (standing, hash)))
}

fn came(row: PushedRow, hash: TokenHash) -> (String, Came) {
    (row.query, Came { pushed: Some(hash), is_signed: row.is_signed })
}

/// Notes that a request is answered without a code or token; `false` when it was answered before.
pub async fn answered(door: &Door, ctx: &Ctx, back: &Return) -> Result<bool, Fault> {
    let Some(hash) = &back.came.pushed else { return Ok(true) };
    let mut tx = door.begin().await?;
    let is_first = pushed::answer(&mut tx, hash, ctx.now).await?;
    door.commit(ctx, tx).await?;
    Ok(is_first)
}
