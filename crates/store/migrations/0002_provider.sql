-- What the OpenID Provider keeps. One text for SQLite and PostgreSQL, as before.

ALTER TABLE realms ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN profile TEXT NOT NULL DEFAULT '{}';
ALTER TABLE signing_keys ADD COLUMN algorithm TEXT NOT NULL DEFAULT 'ES256';

CREATE TABLE clients (
    id         TEXT PRIMARY KEY,
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    app_id     TEXT REFERENCES apps (id) ON DELETE CASCADE,
    settings   TEXT NOT NULL,
    is_active  BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (realm_id, name)
);
CREATE INDEX clients_by_app ON clients (app_id);

CREATE TABLE client_secrets (
    id         TEXT PRIMARY KEY,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    sealed     {bytes} NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

CREATE TABLE codes (
    hash       {bytes} PRIMARY KEY,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    family_id  TEXT NOT NULL,
    facts      TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT
);
CREATE INDEX codes_by_session ON codes (session_id);
CREATE INDEX codes_by_client ON codes (client_id);
CREATE INDEX codes_by_end ON codes (expires_ms);

CREATE TABLE families (
    id         TEXT PRIMARY KEY,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id TEXT REFERENCES sessions (id) ON DELETE CASCADE,
    facts      TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    used_ms    BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX families_by_session ON families (session_id);
CREATE INDEX families_by_user ON families (user_id);
CREATE INDEX families_by_client ON families (client_id);
CREATE INDEX families_by_end ON families (expires_ms);

CREATE TABLE refresh_tokens (
    hash       {bytes} PRIMARY KEY,
    family_id  TEXT NOT NULL REFERENCES families (id) ON DELETE CASCADE,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT,
    successor  {bytes}
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family_id);

CREATE TABLE consents (
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scopes     TEXT NOT NULL,
    granted_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX consents_by_client ON consents (client_id);

-- Ids of access tokens that were revoked one by one, until they would be over anyway.
CREATE TABLE revoked_tokens (
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    token_id   TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (realm_id, token_id)
);
CREATE INDEX revoked_tokens_by_end ON revoked_tokens (expires_ms);
