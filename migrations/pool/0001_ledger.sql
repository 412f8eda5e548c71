-- One pool (统筹区): its log, the states decisions read, the register beside the log, and the identities of rows received.

-- One hot row. Its lock is the first of every write: it serialises writers and hands out the ids, so ids have no gap
-- and stand in commit order. A sequence would leave gaps and let a late commit carry an early id.
CREATE TABLE {schema}.log_head (
    single        boolean     PRIMARY KEY DEFAULT true CHECK (single),
    last_id       bigint      NOT NULL,
    last_at       timestamptz NOT NULL,
    rules_version integer     NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
INSERT INTO {schema}.log_head VALUES (true, 0, '2000-01-01T00:00:00Z', 0);

-- The log. Never updated, never deleted from; the bytes of `state` never change.
CREATE TABLE {schema}.ledger_events (
    originator_id      uuid        NOT NULL,
    originator_version bigint      NOT NULL,
    topic              text        NOT NULL,
    state              bytea       NOT NULL,
    notification_id    bigint      NOT NULL,
    recorded_at        timestamptz NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.5, autovacuum_analyze_scale_factor = 0.1);
CREATE UNIQUE INDEX ledger_events_notification_id_idx ON {schema}.ledger_events (notification_id);

-- The current state of each account, written by the recorder with the events, read by decisions and by nothing else.
-- Half of each page is kept free: the annual interest updates every row once, and then stays on the page.
CREATE TABLE {schema}.account_state (
    account_id       uuid     PRIMARY KEY,
    version          bigint   NOT NULL,
    credited_through smallint NOT NULL,
    state            bytea    NOT NULL
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.5);

-- People. Identity is sealed under a key of the person's own; erasing the person destroys that key.
CREATE TABLE {schema}.participant (
    participant_id   uuid    PRIMARY KEY,
    digest           bytea   UNIQUE,
    wrapped_key      bytea,
    sealed_number    bytea,
    name_digest      bytea,
    register_version integer NOT NULL
);
CREATE TABLE {schema}.participant_name (
    participant_id   uuid        NOT NULL,
    register_version integer     NOT NULL,
    sealed_name      bytea,
    document         text        NOT NULL,
    actor            text        NOT NULL,
    reviewer         text        NOT NULL,
    recorded_at      timestamptz NOT NULL,
    PRIMARY KEY (participant_id, register_version)
);
CREATE TABLE {schema}.account_holder (
    account_id     uuid   PRIMARY KEY,
    participant_id uuid   NOT NULL,
    division       text   NOT NULL
);
CREATE INDEX account_holder_participant ON {schema}.account_holder (participant_id);
CREATE TABLE {schema}.division (
    code   text PRIMARY KEY,
    level  text NOT NULL CHECK (level IN ('county', 'township', 'village')),
    parent text NOT NULL,
    name   text NOT NULL,
    UNIQUE (parent, name)
);

-- A row of a file is known by its identity (流水号, 数据类型); `content` is a keyed digest of what it said.
CREATE TABLE {schema}.external_identity (
    serial     text     NOT NULL,
    data_type  smallint NOT NULL,
    content    bytea    NOT NULL,
    account_id uuid     NOT NULL,
    version    bigint   NOT NULL,
    PRIMARY KEY (serial, data_type)
);

-- What was run, on whose word, over which file or year, and how it ended.
CREATE TABLE {schema}.job (
    job_id      uuid        PRIMARY KEY,
    kind        text        NOT NULL,
    subject     text        NOT NULL,
    actor       text        NOT NULL,
    reviewer    text        NOT NULL,
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    report      jsonb
);
