-- What pools share: which pools there are, and the check value of the key that seals their registers.

CREATE TABLE {schema}.pool (
    code       text        PRIMARY KEY,
    name       text        NOT NULL,
    region     text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE {schema}.key_check (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    value  bytea   NOT NULL
);
