-- Who may speak to the ledger over HTTP. The token itself is told once and kept nowhere: `digest` is its SHA-256. A role
-- becomes a further column here; the token's actor stays the actor of its commands.

CREATE TABLE {schema}.token (
    token_id   uuid        PRIMARY KEY,
    digest     bytea       NOT NULL UNIQUE,
    actor      text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
