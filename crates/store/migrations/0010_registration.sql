-- Clients that register themselves. One text for SQLite and PostgreSQL, as before.

-- Who may register: each row is a credential for some clients under a policy.
CREATE TABLE registration_tokens (
    id         TEXT PRIMARY KEY,
    hash       {bytes} NOT NULL UNIQUE,
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    policy     TEXT NOT NULL,
    uses_left  BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    UNIQUE (realm_id, name)
);

-- Who may read and change a client that registered itself, and under which policy.
CREATE TABLE registrations (
    client_id  TEXT PRIMARY KEY REFERENCES clients (id) ON DELETE CASCADE,
    hash       {bytes} NOT NULL,
    policy     TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
