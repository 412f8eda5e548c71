-- A person who gives social aid: the code that stands for them wherever payers are named, and who they are, sealed.

-- The code is drawn by lot, so that once the digest is gone nothing leads from it to anybody. Of an erased donor all is
-- empty but the code. `commands` are those that registered them, whose digests go with them.
CREATE TABLE {schema}.person_donor (
    code          text   PRIMARY KEY,
    digest        bytea  UNIQUE,
    wrapped_key   bytea,
    sealed_number bytea,
    commands      uuid[] NOT NULL DEFAULT '{}'
);
-- The name that a version of the payer said, sealed under the donor's own key.
CREATE TABLE {schema}.person_donor_name (
    code        text    NOT NULL,
    version     integer NOT NULL,
    sealed_name bytea,
    PRIMARY KEY (code, version)
);
