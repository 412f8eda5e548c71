-- What is folded from the log into tables to read. Each table is named with its fold's version; a changed fold brings a
-- new version, a new table in a new file here, and a rebuild that fills it. Decisions read none of these.

-- How far each fold has come, and by which version. The position moves by compare-and-set in the fold's transaction.
CREATE TABLE {schema}.projection (
    name         text    PRIMARY KEY,
    fold_version integer NOT NULL,
    position     bigint  NOT NULL
);
INSERT INTO {schema}.projection VALUES ('balances', 1, 0), ('statement', 1, 0);

-- One row an account. `opened_id` and `last_id` are the notification ids of its opening and of the latest event folded
-- in: a row with last_id <= P is the balance as known at P. Room on the page keeps updates off the index.
CREATE TABLE {schema}.balance_v1 (
    account_id         uuid   PRIMARY KEY,
    participant_id     uuid,
    division           text,
    opened_on          date,
    opened_id          bigint,
    last_id            bigint NOT NULL,
    contribution       bigint NOT NULL,
    government_paid    bigint NOT NULL,
    collective_subsidy bigint NOT NULL,
    social_aid         bigint NOT NULL,
    government_subsidy bigint NOT NULL,
    interest           bigint NOT NULL
) WITH (fillfactor = 60);

-- One row for each event that moves money, in fen; a kind it does not move is NULL, which takes no room. Rows are never
-- changed: a statement as known at P is made of those with notification_id <= P.
CREATE TABLE {schema}.statement_line_v1 (
    account_id         uuid        NOT NULL,
    notification_id    bigint      NOT NULL,
    version            bigint      NOT NULL,
    recorded_at        timestamptz NOT NULL,
    effective_on       date        NOT NULL,
    year               integer     NOT NULL,
    contribution       bigint,
    government_paid    bigint,
    collective_subsidy bigint,
    social_aid         bigint,
    government_subsidy bigint,
    interest           bigint,
    topic              text        NOT NULL,
    reference          text        NOT NULL,
    PRIMARY KEY (account_id, notification_id)
);
