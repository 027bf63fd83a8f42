-- What a provider gave for a session that began there, sealed; when it is asked for it again, when it last vouched
-- for it, and how often it could not be asked since.
ALTER TABLE session_origins ADD COLUMN kept {bytes};
ALTER TABLE session_origins ADD COLUMN refresh_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session_origins ADD COLUMN vouched_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session_origins ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
CREATE INDEX session_origins_by_sid ON session_origins (connector_id, sid);
CREATE INDEX session_origins_by_refresh ON session_origins (refresh_ms);

-- In which session something was authorized, and the connector that one began at: kept when the session is gone.
ALTER TABLE families ADD COLUMN begun_in TEXT;
ALTER TABLE families ADD COLUMN connector_id TEXT;
CREATE INDEX families_by_begun_in ON families (begun_in);

-- Providers' words that somebody signed out there: each is taken once, and nobody comes in with older ones.
CREATE TABLE logout_tokens (
    connector_id TEXT NOT NULL REFERENCES connectors (id) ON DELETE CASCADE,
    hash         {bytes} NOT NULL,
    subject      TEXT,
    sid          TEXT,
    told_ms      BIGINT NOT NULL,
    expires_ms   BIGINT NOT NULL,
    PRIMARY KEY (connector_id, hash)
);
CREATE INDEX logout_tokens_by_end ON logout_tokens (expires_ms);
