-- Tokens that people make for their own programs. One text for SQLite and PostgreSQL, as before.

CREATE TABLE personal_tokens (
    id         TEXT PRIMARY KEY,
    hash       {bytes} NOT NULL UNIQUE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    UNIQUE (user_id, name)
);

CREATE TABLE personal_token_apps (
    token_id TEXT NOT NULL REFERENCES personal_tokens (id) ON DELETE CASCADE,
    app_id   TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    PRIMARY KEY (token_id, app_id)
);
CREATE INDEX personal_token_apps_by_app ON personal_token_apps (app_id);
