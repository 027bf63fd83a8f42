-- How far a directory had come when it was read last: from there on it is asked for changes. It counts for the connector as
-- it was then, and for the server whose count it is.
CREATE TABLE reading_marks (
    connector_id TEXT PRIMARY KEY REFERENCES connectors (id) ON DELETE CASCADE,
    revision     BIGINT NOT NULL,
    server       TEXT NOT NULL,
    reached      BIGINT NOT NULL
);
