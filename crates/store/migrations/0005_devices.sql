-- What is kept of sign-ins at another screen, and of what workloads showed.

CREATE TABLE device_codes (
    hash             {bytes} PRIMARY KEY,
    realm_id         TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    client_id        TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_code        TEXT NOT NULL,
    family_id        TEXT NOT NULL,
    facts            TEXT NOT NULL,
    state            TEXT NOT NULL,
    session_id       TEXT REFERENCES sessions (id) ON DELETE SET NULL,
    interval_seconds BIGINT NOT NULL,
    polled_ms        BIGINT,
    expires_ms       BIGINT NOT NULL,
    UNIQUE (realm_id, user_code)
);
CREATE INDEX device_codes_by_client ON device_codes (client_id);
CREATE INDEX device_codes_by_session ON device_codes (session_id);
CREATE INDEX device_codes_by_end ON device_codes (expires_ms);

-- Hashes of issuer and id of the tokens workloads showed, until those would be over anyway.
CREATE TABLE workload_tokens (
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    hash       {bytes} NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (realm_id, hash)
);
CREATE INDEX workload_tokens_by_end ON workload_tokens (expires_ms);
