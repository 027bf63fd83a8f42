-- Roles of realms and of clients, and who has them: users, groups, clients for themselves, other roles.

CREATE TABLE roles (
    id          TEXT PRIMARY KEY,
    realm_id    TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    client_id   TEXT REFERENCES clients (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    description TEXT NOT NULL
);
CREATE UNIQUE INDEX roles_of_realm ON roles (realm_id, name) WHERE client_id IS NULL;
CREATE UNIQUE INDEX roles_of_client ON roles (client_id, name) WHERE client_id IS NOT NULL;
CREATE INDEX roles_by_realm ON roles (realm_id);

CREATE TABLE role_users (
    role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source  TEXT NOT NULL,
    PRIMARY KEY (role_id, user_id, source)
);
CREATE INDEX role_users_by_user ON role_users (user_id);

CREATE TABLE role_groups (
    role_id  TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    source   TEXT NOT NULL,
    PRIMARY KEY (role_id, group_id, source)
);
CREATE INDEX role_groups_by_group ON role_groups (group_id);

CREATE TABLE role_clients (
    role_id   TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    source    TEXT NOT NULL,
    PRIMARY KEY (role_id, client_id, source)
);
CREATE INDEX role_clients_by_client ON role_clients (client_id);

-- Whoever has `whole_id` has `role_id` too.
CREATE TABLE role_parts (
    role_id  TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    whole_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    source   TEXT NOT NULL,
    PRIMARY KEY (role_id, whole_id, source)
);
CREATE INDEX role_parts_by_whole ON role_parts (whole_id);

-- What a user was called by a provider it came over from; told in place of the id.
ALTER TABLE users ADD COLUMN subject TEXT;
CREATE UNIQUE INDEX users_by_subject ON users (realm_id, subject) WHERE subject IS NOT NULL;

-- Scopes of a realm's own, each with what it brings.
CREATE TABLE client_scopes (
    id       TEXT PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    settings TEXT NOT NULL,
    UNIQUE (realm_id, name)
);
