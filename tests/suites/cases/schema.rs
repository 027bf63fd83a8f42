//! The schema and the statements: what the database takes, and how it gets there.

use std::time::Duration;

use doorward_store::migrate::{MigrationError, is_new, migrate, newest_known};
use doorward_store::sql::{self, POSTGRES_MIGRATION_LOCK};
use doorward_store::store::Database;
use sqlx::{Connection as _, PgConnection};

use crate::fixture::{Ground, Kind};

async fn shape(ground: &Ground) -> Vec<String> {
    let sql = match ground.kind {
        Kind::Sqlite => "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY name",
        Kind::Postgres => {
            "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns \
             WHERE table_schema = 'public' ORDER BY 1"
        }
    };
    ground.texts(sql).await
}

async fn every_statement_is_taken_by_the_database(ground: Ground) {
    let store = ground.store().await;
    migrate(&store).await.expect("migrated");
    let mut count = 0;
    let mut refused = Vec::new();
    for statement in sql::all() {
        count += 1;
        if let Err(fault) = store.prepare(statement).await {
            refused.push(format!("{}: {fault}", statement.text));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(count > 80, "only {count} statements are listed");
}

async fn migrating_again_changes_nothing(ground: Ground) {
    let store = ground.store().await;
    migrate(&store).await.expect("migrated");
    let before = shape(&ground).await;
    assert!(before.len() > 15, "{before:?}");
    migrate(&store).await.expect("migrated again");
    assert_eq!(shape(&ground).await, before);
    assert_eq!(ground.number("SELECT COUNT(*) FROM schema_versions").await, newest_known());
}

async fn many_nodes_migrating_an_empty_database_at_once_all_succeed(ground: Ground) {
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(ground.store().await);
    }
    let tasks: Vec<_> = stores.into_iter().map(|store| tokio::spawn(async move { migrate(&store).await })).collect();
    for task in tasks {
        let outcome = task.await.expect("no task panics");
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    assert_eq!(ground.number("SELECT COUNT(*) FROM schema_versions").await, newest_known());
}

async fn gauntlet_b18_07_a_database_of_a_newer_version_is_refused_and_left_alone(ground: Ground) {
    let store = ground.store().await;
    migrate(&store).await.expect("migrated");
    ground.raw("INSERT INTO schema_versions (version) VALUES (99)").await;
    ground.raw("CREATE TABLE of_tomorrow (id BIGINT PRIMARY KEY)").await;
    let before = shape(&ground).await;
    let outcome = migrate(&ground.store().await).await;
    let Err(MigrationError::Newer { found, known }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((found, known), (99, newest_known()));
    assert_eq!(shape(&ground).await, before);
    assert_eq!(ground.number("SELECT COUNT(*) FROM schema_versions").await, newest_known() + 1);
}

/// A start that is cut short, anywhere, is taken up again by the next one.
async fn gauntlet_b18_07_a_migration_cut_short_anywhere_is_finished_by_the_next_start(ground: Ground) {
    let mut reached = std::collections::BTreeSet::new();
    for round in 0..40 {
        let store = ground.store().await;
        let running = tokio::spawn(async move { migrate(&store).await.is_ok() });
        // Never at the same point: from before the first statement to after the last.
        tokio::time::sleep(Duration::from_micros(700 * round)).await;
        running.abort();
        let is_done = running.await.unwrap_or(false);
        let store = ground.store().await;
        if !is_new(&store).await.expect("an answer") {
            // What was noted is there as a whole: each step and its note are one.
            reached.insert(ground.number("SELECT COUNT(*) FROM schema_versions").await);
        }
        if is_done {
            break;
        }
    }
    println!("cut short at versions {reached:?}");
    migrate(&ground.store().await).await.expect("finished");
    assert_eq!(ground.number("SELECT COUNT(*) FROM schema_versions").await, newest_known());
    let store = ground.store().await;
    for statement in sql::all() {
        store.prepare(statement).await.unwrap_or_else(|fault| panic!("{}: {fault}", statement.text));
    }
}

/// A large table takes longer than a person may be made to wait: whoever starts meanwhile waits, and nothing is given up.
async fn gauntlet_b18_07_a_node_waits_for_the_migration_of_another_however_long_it_takes(ground: Ground) {
    let Database::Postgres(url) = &ground.database else { panic!("only PostgreSQL has several nodes") };
    let mut other = PgConnection::connect(url).await.expect("PostgreSQL answers");
    let mut held = other.begin().await.expect("a transaction begins");
    sqlx::raw_sql(POSTGRES_MIGRATION_LOCK).execute(&mut *held).await.expect("the lock is free");
    let store = ground.store().await;
    let waiting = tokio::spawn(async move { migrate(&store).await });
    sqlx::raw_sql("SELECT pg_sleep(11)").execute(&mut *held).await.expect("eleven seconds");
    assert!(!waiting.is_finished(), "it gave up, or did not wait");
    held.commit().await.expect("the other is done");
    waiting.await.expect("no task panics").expect("migrated");
}

on_postgres!(together: gauntlet_b18_07_a_node_waits_for_the_migration_of_another_however_long_it_takes);
on_both!(together:
    gauntlet_b18_07_a_migration_cut_short_anywhere_is_finished_by_the_next_start,
    every_statement_is_taken_by_the_database,
    migrating_again_changes_nothing,
    many_nodes_migrating_an_empty_database_at_once_all_succeed,
    gauntlet_b18_07_a_database_of_a_newer_version_is_refused_and_left_alone,
);
