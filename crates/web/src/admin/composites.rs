//! `…/roles/{name}/composites`: the roles a role is made of.

use crate::admin::{Call, Failure, Outcome, done, roles, told};
use doorward_engine::manage;
use doorward_engine::manage::look::roles as stored;
use doorward_model::id::RoleId;
use doorward_model::name::RoleName;
use doorward_model::people::{Holder, Role, Source};

/// `GET`: those it is made of directly, of the realm and of clients.
pub async fn list(call: Call) -> Outcome {
    let whole = Holder::Role(roles::named(&call).await?.id);
    let parts = stored::direct(&mut &call.door().store, &whole).await?;
    let mut parts: Vec<Role> = parts.into_iter().map(|(role, _)| role).collect();
    parts.dedup();
    Ok(told(&roles::representations(&call, parts).await?))
}

/// The roles that were sent: by id, or, for roles of the realm, by name; of this realm only.
async fn sent(call: &Call) -> Result<Vec<Role>, Failure> {
    const MISSING: Failure = Failure::Missing("Could not find composite role");
    let mut query = &call.door().store;
    let mut all = Vec::new();
    for body in call.bodies()? {
        let found = match body.text("id")? {
            Some(id) => stored::find_by_id(&mut query, &RoleId::parse(id).map_err(|_| MISSING)?).await?,
            None => {
                let name = RoleName::parse(body.needed("name")?).map_err(|_| MISSING)?;
                stored::find(&mut query, (&call.realm.id, None), &name).await?
            }
        };
        all.push(found.filter(|role| role.realm_id == call.realm.id).ok_or(MISSING)?);
    }
    Ok(all)
}

/// `POST`: whoever has the role has these too, all or none. Nobody puts together what allows more than they may.
pub async fn add(call: Call) -> Outcome {
    let (whole, sent) = (Holder::Role(roles::named(&call).await?.id), sent(&call).await?);
    let mut tx = call.door().begin().await?;
    for part in &sent {
        manage::roles::give(&mut tx, part, &whole, &Source::Local).await??;
    }
    call.may_touch(&mut tx, &whole).await?;
    call.commit(tx).await?;
    Ok(done())
}

/// `DELETE`: takes these out of the role, all or none; those that were not in it are not missed.
pub async fn remove(call: Call) -> Outcome {
    let (whole, sent) = (Holder::Role(roles::named(&call).await?.id), sent(&call).await?);
    let mut tx = call.door().begin().await?;
    call.may_touch(&mut tx, &whole).await?;
    for part in &sent {
        manage::roles::take(&mut tx, part, &whole, &Source::Local).await?;
    }
    let left = stored::direct(&mut tx, &whole).await?;
    if let Some(part) = sent.iter().find(|part| left.iter().any(|(other, _)| other.id == part.id)) {
        return Err(Failure::Taken(format!("a declared file puts role {} there: change it there", part.name)));
    }
    call.commit(tx).await?;
    Ok(done())
}
