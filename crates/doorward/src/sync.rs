//! Reading a whole directory and taking it over: one side reads ahead while the other writes.

use doorward_directory::directories::Directories;
use doorward_directory::limits::PAGES_AHEAD;
use doorward_directory::trouble::Trouble;
use doorward_engine::door::Door;
use doorward_engine::federation::sync::{Page, Reading, Report};
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

/// Reads a directory, and tells how many people were read and how many of it were here before.
///
/// # Errors
/// [`Broken`].
pub async fn run(
    door: &Door,
    ctx: &Ctx,
    (realm, connector): (&Realm, &Connector),
    directories: &Directories,
    (brake, progress): (Option<i64>, &(dyn Fn(usize, usize) + Sync)),
) -> Result<Report, Broken> {
    let sealed = open_secret(door, connector)?;
    let mut reading = Reading::begin(door, ctx, (realm, connector)).await?;
    let (pages, mut arriving) = mpsc::channel::<Page>(PAGES_AHEAD);
    // It takes the receiver along: after a fault nothing more is wanted, and the reader learns it.
    let writing = async move {
        while let Some(page) = arriving.recv().await {
            reading.page(door, ctx, &page).await?;
            progress(reading.report().read, reading.before());
        }
        Ok::<_, Fault>(reading)
    };
    let (read, written) = tokio::join!(directories.read(connector, sealed, ctx.now, pages), writing);
    let reading = written?;
    read?;
    Ok(reading.finish(door, ctx, brake).await?)
}
