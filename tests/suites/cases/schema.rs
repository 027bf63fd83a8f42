//! The schema and the statements: what the database takes, and how it gets there.

use doorward_store::migrate::{MigrationError, migrate, newest_known};
use doorward_store::sql;

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

async fn a_database_of_a_newer_version_is_refused_and_left_alone(ground: Ground) {
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

on_both!(together:
    every_statement_is_taken_by_the_database,
    migrating_again_changes_nothing,
    many_nodes_migrating_an_empty_database_at_once_all_succeed,
    a_database_of_a_newer_version_is_refused_and_left_alone,
);
