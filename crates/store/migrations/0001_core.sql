-- One text for SQLite and PostgreSQL. {bytes} and {serial} are the only words that differ.
-- Times are milliseconds since 1970, booleans are 0 and 1.

CREATE TABLE realms (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE users (
    id         TEXT PRIMARY KEY,
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    email      TEXT,
    display    TEXT NOT NULL,
    password   TEXT,
    is_active  BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (realm_id, name)
);
CREATE INDEX users_by_email ON users (realm_id, email);

CREATE TABLE user_groups (
    id       TEXT PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    UNIQUE (realm_id, name)
);

CREATE TABLE memberships (
    group_id TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source   TEXT NOT NULL,
    PRIMARY KEY (group_id, user_id, source)
);
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE nestings (
    parent_id TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    child_id  TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    source    TEXT NOT NULL,
    PRIMARY KEY (parent_id, child_id, source)
);
CREATE INDEX nestings_by_child ON nestings (child_id);

CREATE TABLE apps (
    id       TEXT PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    slug     TEXT NOT NULL,
    settings TEXT NOT NULL,
    everyone BIGINT NOT NULL,
    UNIQUE (realm_id, slug)
);

CREATE TABLE app_hosts (
    host   TEXT NOT NULL,
    prefix TEXT NOT NULL,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    PRIMARY KEY (host, prefix)
);
CREATE INDEX app_hosts_by_app ON app_hosts (app_id);

CREATE TABLE app_groups (
    app_id   TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (app_id, group_id)
);
CREATE INDEX app_groups_by_group ON app_groups (group_id);

CREATE TABLE sessions (
    id             TEXT PRIMARY KEY,
    hash           {bytes} NOT NULL UNIQUE,
    realm_id       TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    user_id        TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms     BIGINT NOT NULL,
    last_seen_ms   BIGINT NOT NULL,
    expires_ms     BIGINT NOT NULL,
    idle_seconds   BIGINT NOT NULL,
    client_address TEXT NOT NULL,
    user_agent     TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_ms);

CREATE TABLE passes (
    hash       {bytes} PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    app_id     TEXT REFERENCES apps (id) ON DELETE CASCADE,
    host       TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX passes_by_session ON passes (session_id);
CREATE INDEX passes_by_app ON passes (app_id);

CREATE TABLE tickets (
    hash       {bytes} PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    back_url   TEXT NOT NULL,
    binding    TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT
);
CREATE INDEX tickets_by_session ON tickets (session_id);
CREATE INDEX tickets_by_end ON tickets (expires_ms);

CREATE TABLE devices (
    hash       {bytes} PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    used_ms    BIGINT NOT NULL
);
CREATE INDEX devices_by_user ON devices (user_id);

CREATE TABLE throttles (
    name        TEXT PRIMARY KEY,
    failures    BIGINT NOT NULL,
    window_ends BIGINT NOT NULL
);
CREATE INDEX throttles_by_end ON throttles (window_ends);

CREATE TABLE setup_links (
    hash       {bytes} PRIMARY KEY,
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT
);

CREATE TABLE service_tokens (
    id         TEXT PRIMARY KEY,
    hash       {bytes} NOT NULL UNIQUE,
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    UNIQUE (realm_id, name)
);

CREATE TABLE service_token_apps (
    token_id TEXT NOT NULL REFERENCES service_tokens (id) ON DELETE CASCADE,
    app_id   TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    PRIMARY KEY (token_id, app_id)
);
CREATE INDEX service_token_apps_by_app ON service_token_apps (app_id);

CREATE TABLE signing_keys (
    id         TEXT PRIMARY KEY,
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    sealed     {bytes} NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX signing_keys_by_realm ON signing_keys (realm_id);

CREATE TABLE events (
    sequence       {serial},
    at_ms          BIGINT NOT NULL,
    kind           TEXT NOT NULL,
    realm_id       TEXT,
    actor          TEXT NOT NULL,
    subject        TEXT NOT NULL,
    detail         TEXT NOT NULL,
    request_id     TEXT NOT NULL,
    client_address TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (at_ms);

CREATE TABLE changes (
    sequence {serial},
    at_ms    BIGINT NOT NULL,
    what     TEXT NOT NULL
);

CREATE TABLE jobs (
    name      TEXT PRIMARY KEY,
    run_at_ms BIGINT NOT NULL
);
