use super::{Sqlite, Trouble};
use crate::row::{Row, Value};
use crate::sql::{Sql, numbered};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A question whose answer takes many times as long as the thread that asks may wait.
const LONG: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000) SELECT COUNT(*) FROM n";

fn sql(text: &'static str) -> Sql {
    Sql { name: "A_TEST", text, sqlite: text }
}

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("doorward-sqlite-{name}-{}", std::process::id()));
        assert!(std::fs::create_dir_all(&directory).is_ok(), "a scratch directory");
        Self(directory)
    }

    async fn open(&self) -> Sqlite {
        let Ok(sqlite) = Sqlite::open(&self.0.join("test.db")).await else { panic!("the file opens") };
        let table =
            sqlite.work(|one| Ok(one.execute_batch("CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY)")?));
        assert!(table.await.is_ok());
        sqlite
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

async fn count(sqlite: &Sqlite) -> i64 {
    let Ok(rows) = sqlite.all(sql("SELECT COUNT(*) FROM names"), &[]).await else { panic!("an answer") };
    rows.first().and_then(|row| row.number(0).ok()).unwrap_or(-1)
}

#[test]
fn parameters_are_numbered_and_nothing_else_is_touched() {
    assert_eq!(&numbered::<20>("a = $1 AND b IN ($10"), b"a = ?1 AND b IN (?10");
    assert_eq!(&numbered::<10>("'$.a' || $"), b"'$.a' || $");
}

#[tokio::test]
async fn a_long_reading_does_not_hold_the_thread_that_asks() {
    let place = Place::new("long");
    let sqlite = place.open().await;
    let mut is_answered = false;
    let ask = async {
        let rows = sqlite.all(sql(LONG), &[]).await;
        is_answered = true;
        rows
    };
    let turns = async {
        let mut turns = 0;
        for _ in 0..10 {
            sleep(Duration::from_millis(1)).await;
            turns += 1;
        }
        turns
    };
    let mut ask = Box::pin(ask);
    // The other task gets its turns before the answer is there.
    let turns = tokio::select! { biased; _ = &mut ask => 0, turns = turns => turns };
    assert_eq!(turns, 10, "the thread was held");
    let rows = ask.await.unwrap_or_default();
    assert_eq!(rows.first().and_then(|row| row.number(0).ok()), Some(500_000));
    assert!(is_answered);
    // The connection is one like the others again, with its limit.
    assert_eq!(count(&sqlite).await, 0);
}

#[tokio::test]
async fn columns_are_read_as_what_they_are() {
    let place = Place::new("columns");
    let sqlite = place.open().await;
    let values = [Value::Text("a"), Value::MaybeText(None), Value::Number(-7), Value::Bytes(&[0, 255])];
    let Ok(rows) = sqlite.all(sql("SELECT ?1, ?2, ?3, ?4, 1.5"), &values).await else { panic!("an answer") };
    let Some(row) = rows.first() else { panic!("a row") };
    assert_eq!(row.text(0).ok().as_deref(), Some("a"));
    assert_eq!(row.maybe_text(1).ok(), Some(None));
    assert_eq!(row.number(2).ok(), Some(-7));
    assert_eq!(row.bytes(3).ok(), Some(vec![0, 255]));
    let wrong = [row.text(1).err(), row.text(2).err(), row.number(0).err(), row.number(4).err(), row.bytes(9).err()];
    assert!(wrong.iter().all(Option::is_some), "{wrong:?}");
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_no_trace() {
    let place = Place::new("dropped");
    let sqlite = place.open().await;
    let insert = sql("INSERT INTO names (name) VALUES (?1)");
    let Ok(open) = sqlite.begin().await else { panic!("a transaction") };
    assert!(open.run(insert, &[Value::Text("ada")]).is_ok_and(|rows| rows == 1));
    assert!(open.run(insert, &[Value::Text("ada")]).is_err_and(|trouble| trouble.is_taken()));
    drop(open);
    assert_eq!(count(&sqlite).await, 0);
    // Given up while a statement runs on another thread: as soon as that is done, the next one can begin.
    let Ok(open) = sqlite.begin().await else { panic!("a transaction") };
    assert!(open.run(insert, &[Value::Text("bob")]).is_ok());
    let given_up = timeout(Duration::ZERO, open.aside(sql(LONG), &[], |open, sql, values| open.all(sql, values)));
    assert!(given_up.await.is_err());
    assert!(sqlite.begin().await.is_ok());
    assert_eq!(count(&sqlite).await, 0);
    let Ok(open) = sqlite.begin().await else { panic!("a transaction") };
    assert!(open.run(insert, &[Value::Text("eve")]).is_ok());
    assert!(open.commit().await.is_ok());
    assert_eq!(count(&sqlite).await, 1);
}

#[tokio::test]
async fn another_process_is_waited_for_without_holding_the_thread() {
    let place = Place::new("others");
    let (sqlite, other) = (place.open().await, place.open().await);
    let Ok(theirs) = other.begin().await else { panic!("a transaction") };
    let give_way = async {
        sleep(Duration::from_millis(20)).await;
        drop(theirs);
    };
    let (ours, ()) = tokio::join!(sqlite.begin(), give_way);
    assert!(ours.is_ok());
}

#[tokio::test]
async fn what_is_closed_answers_nothing() {
    let place = Place::new("closed");
    let sqlite = place.open().await;
    assert_eq!(count(&sqlite).await, 0);
    sqlite.close().await;
    let refused: Result<Vec<Row>, Trouble> = sqlite.all(sql("SELECT 1"), &[]).await;
    assert!(matches!(refused, Err(Trouble::Closed)));
    assert!(matches!(sqlite.begin().await, Err(Trouble::Closed)));
    // The log is folded into the file.
    assert!(!place.0.join("test.db-wal").exists());
}
