//! Authorization responses as one signed token, so that the client can tell who answered and that nothing was
//! changed on the way. JARM §2.1.

use crate::authorize::Return;
use crate::door::Door;
use crate::token::mint;
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::limits::CODE_SECONDS;
use serde_json::{Map, Value, json};

/// Signs the parameters of an answer, or of an error, with the key of the client's tokens. The token is good for as
/// long as a code is.
pub async fn sign(door: &Door, ctx: &Ctx, back: &Return, fields: &[(&str, &str)]) -> Result<String, Fault> {
    let client = &back.client;
    mint::prepare(door, ctx, client).await?;
    let mut members: Map<String, Value> = fields.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
    members.insert("iss".to_owned(), json!(back.issuer(door)));
    members.insert("aud".to_owned(), json!(client.name.as_str()));
    members.insert("iat".to_owned(), json!(ctx.now.seconds()));
    members.insert("exp".to_owned(), json!(ctx.now.plus_seconds(CODE_SECONDS).seconds()));
    mint::key_for(door, &client.realm_id, client)?.sign(mint::HEADER_TYPE, &members)
}
