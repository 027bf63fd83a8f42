//! PostgreSQL's own: which servers are good enough, and how long one is waited for.

use crate::limits;
use crate::sql::POSTGRES_STANDING;
use crate::store::{OpenError, fault};
use parking_lot::Mutex;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection as _, Row as _};
use std::io;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Instant;

/// When a statement was last given up. For a while after that no connection is kept without a try: the network may have
/// forgotten it while both ends still hold it open.
#[derive(Clone, Default)]
pub(crate) struct Doubt(Arc<Mutex<Option<Instant>>>);

impl Doubt {
    fn note(&self) {
        *self.0.lock() = Some(Instant::now());
    }

    fn is_fresh(&self) -> bool {
        self.0.lock().is_some_and(|at| at.elapsed() < limits::DOUBT)
    }

    /// Waits for what PostgreSQL answers, and no longer than that can take: the server's own limits do not help when its
    /// answers do not arrive.
    pub(crate) async fn wait<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
        match tokio::time::timeout(limits::ANSWER, work).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.note();
                Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer came within the time limit")))
            }
        }
    }
}

/// Connects to a server that may be trusted with every answer.
pub(crate) async fn open(url: &str, doubt: &Doubt) -> Result<PgPool, OpenError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| fault("reading the PostgreSQL URL", error))?
        .application_name("doorward")
        .options([
            ("statement_timeout", limits::STATEMENT_MILLISECONDS),
            ("idle_in_transaction_session_timeout", limits::STATEMENT_MILLISECONDS),
        ]);
    refuse_read_only(&options).await?;
    let doubt = doubt.clone();
    let pool = PgPoolOptions::new()
        .max_connections(limits::POSTGRES_CONNECTIONS)
        .acquire_timeout(limits::ACQUIRE)
        // The address may lead to another server by now. A standby answers with what was so a while ago.
        .after_connect(|connection, _| {
            Box::pin(async move {
                match standing(connection).await? {
                    Standing { is_standby: true, .. } => Err(sqlx::Error::Configuration(OpenError::Standby.into())),
                    Standing { .. } => Ok(()),
                }
            })
        })
        // Instead of the pool's own look, which waits for as long as a caller does: who meets a connection the network
        // has forgotten gets another one.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(answers(connection)))
        .after_release(move |connection, _| {
            let is_doubtful = doubt.is_fresh();
            Box::pin(async move { if is_doubtful { answers(connection).await } else { Ok(true) } })
        })
        .connect_with(options)
        .await
        .map_err(|error| fault("connecting to PostgreSQL", error))?;
    Ok(pool)
}

/// Whether somebody is at the other end.
async fn answers(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match tokio::time::timeout(limits::PING, connection.ping()).await {
        Ok(outcome) => outcome.map(|()| true),
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

/// Looks at the server once before there is a pool, which would try again for some seconds and not say why.
async fn refuse_read_only(options: &PgConnectOptions) -> Result<(), OpenError> {
    let doing = "connecting to PostgreSQL";
    let first = PgPoolOptions::new().max_connections(1).acquire_timeout(limits::ACQUIRE);
    let first = first.connect_with(options.clone()).await.map_err(|error| fault(doing, error))?;
    let mut connection = first.acquire().await.map_err(|error| fault(doing, error))?;
    let found = standing(&mut connection).await.map_err(|error| fault(doing, error))?;
    drop(connection);
    first.close().await;
    match found {
        Standing { is_standby: true, .. } => Err(OpenError::Standby),
        Standing { takes_writes: false, .. } => Err(OpenError::ReadOnly),
        Standing { .. } => Ok(()),
    }
}

struct Standing {
    is_standby: bool,
    takes_writes: bool,
}

async fn standing(connection: &mut PgConnection) -> Result<Standing, sqlx::Error> {
    let row = sqlx::query(POSTGRES_STANDING).fetch_one(connection).await?;
    Ok(Standing { is_standby: row.try_get(0)?, takes_writes: row.try_get(1)? })
}
