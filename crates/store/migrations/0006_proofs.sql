-- Proofs of possession that were shown, by a hash of their key and name, until they would be too old anyway.
CREATE TABLE proofs (
    realm_id   TEXT NOT NULL REFERENCES realms (id) ON DELETE CASCADE,
    hash       {bytes} NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (realm_id, hash)
);
CREATE INDEX proofs_by_end ON proofs (expires_ms);
