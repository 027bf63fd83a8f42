-- Signed statements that may be shown once: each is known until it would be over anyway. One text for
-- SQLite and PostgreSQL, as before.

CREATE TABLE assertions (
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    hash       {bytes} NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (client_id, kind, hash)
);
CREATE INDEX assertions_by_end ON assertions (expires_ms);
