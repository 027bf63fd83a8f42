-- Parts of outside providers' answers that count once: each is known until it would be over anyway.
CREATE TABLE shown (
    connector_id TEXT NOT NULL REFERENCES connectors (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL,
    id           TEXT NOT NULL,
    expires_ms   BIGINT NOT NULL,
    PRIMARY KEY (connector_id, kind, id)
);
CREATE INDEX shown_by_end ON shown (expires_ms);
