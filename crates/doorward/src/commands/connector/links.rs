//! Who of a provider's is who here.

use crate::commands::Shell;
use crate::commands::connector::ended_sessions;
use crate::exit::Exit;
use crate::limits;
use crate::report::Report;
use doorward_engine::federation::Connector as Stored;
use doorward_engine::manage::connectors as manage;
use doorward_model::name::UserName;
use doorward_model::people::Realm;
use doorward_model::time::Timestamp;
use doorward_store::connectors;
use serde_json::json;

/// Lists who is linked.
pub async fn list(shell: &Shell, connector: &Stored, after: &str) -> Result<Report, Exit> {
    let found = connectors::links_of(&mut &shell.door.store, &connector.id, after, limits::LINKS_LISTED).await?;
    let issuer = connector.settings.kind.issuer();
    let rows = found.into_iter().map(|link| {
        json!({
            "counts": link.issuer == issuer,
            "user": link.user, "subject": link.subject, "issuer": link.issuer,
            "since": link.created_at.rfc3339(), "seen": link.seen_at.map(Timestamp::rfc3339),
        })
    });
    Ok(Report::rows(&["user", "subject", "counts", "since", "seen"], rows.collect()))
}

/// Says who somebody is.
pub async fn link(
    shell: &Shell,
    (realm, connector): (&Realm, &Stored),
    user: &UserName,
    subject: &str,
) -> Result<Report, Exit> {
    let user = shell.user(realm, user).await?;
    let name = &connector.name;
    let mut tx = shell.door.begin().await?;
    if !manage::link(&mut tx, &shell.ctx, (connector, subject), &user).await?? {
        return Err(Exit::refused(format!(
            "somebody with that subject is linked already: take it back with `doorward connector unlink {name} --subject …`"
        )));
    }
    shell.commit(tx).await?;
    Ok(Report::words(format!("Linked: whoever comes through {name} with that subject is {}.", user.name)))
}

/// Takes it back: the link of a subject, or all of a user's.
pub async fn unlink(
    shell: &Shell,
    (realm, connector): (&Realm, &Stored),
    (user, subject): (Option<&UserName>, Option<String>),
) -> Result<Report, Exit> {
    let name = &connector.name;
    let mut there: Vec<(String, String)> = Vec::new();
    there.extend(subject.map(|subject| (connector.settings.kind.issuer().to_owned(), subject)));
    let mut who = "with that subject".to_owned();
    if let Some(user) = user {
        let user = shell.user(realm, user).await?;
        let links = connectors::links(&mut &shell.door.store, &user.id).await?;
        let links = links.into_iter().filter(|link| link.connector == connector.id);
        there.extend(links.map(|link| (link.issuer, link.subject)));
        who = format!("who is user {}", user.name);
    }
    let mut taken = Vec::new();
    let mut tx = shell.door.begin().await?;
    for (issuer, subject) in &there {
        taken.extend(manage::unlink(&mut tx, connector, (issuer, subject)).await?);
    }
    if taken.is_empty() {
        return Err(Exit::refused(format!("nobody {who} is linked through connector {name}")));
    }
    shell.commit(tx).await?;
    let (links, ended) = (taken.len(), ended_sessions(taken.iter().map(|one| one.sessions).sum()));
    let links = if links == 1 { "a link".to_owned() } else { format!("{links} links") };
    let report =
        Report::words(format!("Took back {links}; {ended}. They are nobody here until they are linked again."));
    let unproved = taken.iter().any(|one| one.is_address_unproved).then(|| {
        "the user's e-mail address counts as proved no more, because it would have linked them again at once: `doorward \
         user update NAME --email-verified` says that it is proved"
            .to_owned()
    });
    Ok(report.and_warnings(unproved))
}
