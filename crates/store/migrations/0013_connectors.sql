-- Outside identity providers, who of theirs is who here, and which sessions began there.
CREATE TABLE connectors (
    id         TEXT PRIMARY KEY,
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    settings   TEXT NOT NULL,
    sealed     {bytes},
    is_active  BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (realm_id, name)
);

CREATE TABLE links (
    connector_id TEXT NOT NULL REFERENCES connectors (id) ON DELETE CASCADE,
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms   BIGINT NOT NULL,
    seen_ms      BIGINT NOT NULL,
    PRIMARY KEY (connector_id, issuer, subject)
);
CREATE INDEX links_by_user ON links (user_id);

CREATE TABLE session_origins (
    session_id   TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    connector_id TEXT NOT NULL REFERENCES connectors (id) ON DELETE CASCADE,
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    sid          TEXT
);
CREATE INDEX session_origins_by_subject ON session_origins (connector_id, issuer, subject);

-- Where a session began, if its person was proved elsewhere; kept when the connector is gone.
ALTER TABLE sessions ADD COLUMN connector_id TEXT;
