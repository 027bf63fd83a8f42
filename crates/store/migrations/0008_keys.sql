-- The life of signing keys: announced, active, retiring. `since_ms` says when a key came into its state, `until_ms`
-- when it is to leave it, where that is fixed.

ALTER TABLE signing_keys ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
ALTER TABLE signing_keys ADD COLUMN since_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_keys ADD COLUMN until_ms BIGINT;
UPDATE signing_keys SET since_ms = created_ms;

-- Two nodes may have made a key each at the same moment: the newest signs, the other stays for two days.
UPDATE signing_keys SET state = 'retiring', until_ms = created_ms + 172800000
WHERE EXISTS (
    SELECT 1 FROM signing_keys other
    WHERE other.realm_id = signing_keys.realm_id AND other.algorithm = signing_keys.algorithm
      AND (other.created_ms > signing_keys.created_ms
           OR (other.created_ms = signing_keys.created_ms AND other.id < signing_keys.id))
);

-- From now on no race can make two.
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (realm_id, algorithm) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_announced ON signing_keys (realm_id, algorithm) WHERE state = 'announced';
