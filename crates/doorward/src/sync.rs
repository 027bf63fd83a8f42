//! Reading a directory, whole or for what changed, and taking it over: one side reads ahead while the other writes.

use doorward_directory::directories::Directories;
use doorward_directory::limits::PAGES_AHEAD;
use doorward_directory::trouble::Trouble;
use doorward_engine::door::Door;
use doorward_engine::federation::sync::{Page, Reading, Report, Run};
use doorward_engine::federation::{Connector, open_secret};
use doorward_model::context::Ctx;
use doorward_model::fault::Fault;
use doorward_model::people::Realm;
use tokio::sync::mpsc;

/// The most of those who were there that may be shut out without anybody being asked, in percent.
pub const BRAKE: i64 = 10;

/// Why a directory was not read to its end. What was taken over stays; nobody was shut out.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The directory.
    #[error("{0}")]
    Directory(#[from] Trouble),
    /// Our own side.
    #[error("{0}")]
    Here(#[from] Fault),
}

/// What is wanted of a reading.
pub struct Wanted<'a> {
    /// Who is read.
    pub run: Run,
    /// The most that may be shut out without anybody being asked, in percent; any number without it.
    pub brake: Option<i64>,
    /// Told how many people were read, and how many of the directory's were here before.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
}

/// Reads a directory.
///
/// # Errors
/// [`Broken`].
pub async fn run(
    door: &Door,
    ctx: &Ctx,
    (realm, connector): (&Realm, &Connector),
    directories: &Directories,
    wanted: Wanted<'_>,
) -> Result<Report, Broken> {
    let sealed = open_secret(door, connector)?;
    let mut directory = directories.open(connector, sealed, ctx.now).await?;
    let mut reading = Reading::begin(door, ctx, (realm, connector)).await?;
    let stand = (directory.server(), directory.reached());
    let changes = match wanted.run {
        Run::Whole => None,
        Run::Changes => match reading.since(door, stand).await? {
            Some(since) => {
                let groups = directory.changed_groups(since).await?;
                let before = reading.members_before(door, &groups.names).await?;
                let changes = directory.changes(since, (groups, before)).await?;
                if changes.is_none() {
                    reading.of_everybody();
                }
                changes
            }
            None => None,
        },
    };
    let (pages, mut arriving) = mpsc::channel::<Page>(PAGES_AHEAD);
    // It takes the receiver along: after a fault nothing more is wanted, and the reader learns it.
    let writing = async move {
        while let Some(page) = arriving.recv().await {
            reading.page(door, ctx, &page).await?;
            (wanted.progress)(reading.report().read, reading.before());
        }
        Ok::<_, Fault>(reading)
    };
    // And the sender goes with the reader: when that has ended, nothing more comes.
    let asking = async {
        let pages = pages;
        match changes {
            Some(changed) => {
                for page in changed {
                    // Nobody takes them any more: whoever did has said why.
                    if pages.send(page).await.is_err() {
                        break;
                    }
                }
                Ok(())
            }
            None => directory.everybody(&pages).await,
        }
    };
    let (read, written) = tokio::join!(asking, writing);
    let reading = written?;
    read?;
    reading.remember(door, ctx, directory.server(), directory.mark()).await?;
    Ok(reading.finish(door, ctx, wanted.brake).await?)
}
