//! Somebody a provider vouches for, in whose way a user stands who may be them. Until they have shown its password, what
//! was proved is sealed into the sign-in page, as a flow is: it opens only in the browser they came back in, and only
//! while nobody changes the connector. The sign-in that uses it makes the link.

use crate::door::Door;
use crate::federation::groups::map;
use crate::federation::sign_in::{is_over, link, put_groups, rest_on};
use crate::federation::{Connector, ExternalIdentity};
use crate::limits;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_model::context::Ctx;
use doorward_model::fault::{Fault, FaultKind};
use doorward_model::id::{ConnectorId, SessionId, UserId};
use doorward_model::people::User;
use doorward_model::secret::TokenHash;
use doorward_model::time::Timestamp;
use doorward_store::tx::Tx;
use doorward_store::{connectors, realms};
use serde::{Deserialize, Serialize};

const PURPOSE: &str = "somebody who waits to be linked";
const PREFIX: &str = "dwk_";

/// Somebody who waits to be linked.
#[derive(Serialize, Deserialize)]
pub struct Pending {
    connector: ConnectorId,
    revision: i64,
    /// The connector's name for people.
    pub title: String,
    user: UserId,
    browser: String,
    identity: ExternalIdentity,
    expires_at: Timestamp,
}

/// Begins to wait; the text stands in the page. None when there is more to remember than a form carries.
pub(super) fn begin(
    door: &Door,
    ctx: &Ctx,
    (connector, identity): (&Connector, &ExternalIdentity),
    (user, browser): (&UserId, &TokenHash),
) -> Result<Option<String>, Fault> {
    let pending = Pending {
        connector: connector.id.clone(),
        revision: connector.revision,
        title: connector.title().to_owned(),
        user: user.clone(),
        browser: browser.hex(),
        identity: identity.clone(),
        expires_at: ctx.now.plus_seconds(limits::PROVIDER_SECONDS),
    };
    let broken = |error| Fault::new(FaultKind::Internal, "writing somebody who waits to be linked", error);
    let text = serde_json::to_vec(&pending).map_err(broken)?;
    if text.len() > limits::PENDING_BYTES {
        return Ok(None);
    }
    Ok(Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(door.keys.seal(PURPOSE, &text, &*door.dice)?))))
}

/// Who waits in a page's text, while they may, in the browser they came back in.
pub fn find(door: &Door, ctx: &Ctx, browser: &TokenHash, text: &str) -> Option<Pending> {
    let sealed = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    let pending: Pending = serde_json::from_slice(&door.keys.open(PURPOSE, &sealed)?).ok()?;
    (pending.browser == browser.hex() && ctx.now < pending.expires_at).then_some(pending)
}

impl Pending {
    /// What they would type as their name: what the two have in common is one of these.
    pub fn name(&self) -> &str {
        let email = self.identity.email.as_ref().map(|email| email.as_str());
        self.identity.name.as_deref().or(email).unwrap_or_default()
    }

    /// The connector, held until the end of the transaction; none when it was changed or disabled meanwhile, or the
    /// person signed out there. Comes before the user is held, as in every other way in.
    pub(crate) async fn hold(&self, ctx: &Ctx, tx: &mut Tx) -> Result<Option<Connector>, Fault> {
        if !connectors::hold_active(tx, &self.connector, self.revision).await?
            || !self.identity.hold_proof(tx).await?
            || is_over(ctx, tx, (&self.connector, &self.identity)).await?
        {
            return Ok(None);
        }
        connectors::find_by_id(tx, &self.connector).await?.map(Connector::read).transpose()
    }

    /// Whether it was this user who was in the way.
    pub(crate) fn is_about(&self, user: &User) -> bool {
        self.user == user.id
    }

    /// Links them with the user whose password they have shown, and puts what the provider says of groups; `false` when
    /// somebody was linked there meanwhile.
    pub(crate) async fn link(
        &self,
        door: &Door,
        ctx: &Ctx,
        tx: &mut Tx,
        (connector, user): (&Connector, &User),
    ) -> Result<bool, Fault> {
        let is_linked_here = |link: &connectors::Link| link.connector == connector.id;
        if connectors::links(tx, &user.id).await?.iter().any(is_linked_here) {
            return Ok(false);
        }
        if !link(tx, ctx, (connector, &self.identity), user).await? {
            return Ok(false);
        }
        let said = self.identity.groups.as_deref().map(|said| map(&connector.settings.groups, said));
        if let Some(Ok(mapped)) = said
            && let Some(realm) = realms::find_by_id(tx, &connector.realm_id).await?
        {
            put_groups(door, tx, (&realm, connector), user, &mapped).await?;
        }
        Ok(true)
    }

    /// Notes that the session rests on the provider's word too.
    pub(crate) async fn begun(
        &self,
        door: &Door,
        ctx: &Ctx,
        tx: &mut Tx,
        (connector, session): (&Connector, &SessionId),
    ) -> Result<(), Fault> {
        rest_on(door, ctx, tx, (connector, &self.identity), session).await
    }

    /// The connector that proved them, where that is another one.
    pub(crate) fn through(&self) -> Option<ConnectorId> {
        self.identity.through.as_ref().map(|through| through.connector.clone())
    }

    /// When the session there is over.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.identity.session_until
    }
}
