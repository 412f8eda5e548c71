-- Subsidy plans (集体补助, 社会资助): what stands beside their streams in the log.

-- Who pays. A change is a further version; the latest one holds. Organisations only, under their credit code.
CREATE TABLE {schema}.payer (
    code           text        NOT NULL,
    version        integer     NOT NULL,
    kind           text        NOT NULL,
    name           text        NOT NULL,
    village        text        NOT NULL,
    village_number text        NOT NULL,
    tax_number     text        NOT NULL,
    social_code    text        NOT NULL,
    confirmed_on   date,
    document       text        NOT NULL,
    actor          text        NOT NULL,
    reviewer       text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);
-- Which villages are admitted (试点名单), from when to when.
CREATE TABLE {schema}.admitted_village (
    village     text        NOT NULL,
    since       date        NOT NULL,
    until       date,
    document    text        NOT NULL,
    actor       text        NOT NULL,
    reviewer    text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (village, since)
);
-- The roll of members that a payer attests, and statuses of persons (draws a pension; belongs to a group).
CREATE TABLE {schema}.payer_member (
    payer          text NOT NULL,
    participant_id uuid NOT NULL,
    since          date NOT NULL,
    until          date,
    PRIMARY KEY (payer, participant_id, since)
);
CREATE TABLE {schema}.person_status (
    participant_id uuid NOT NULL,
    status         text NOT NULL,
    since          date NOT NULL,
    until          date,
    PRIMARY KEY (participant_id, status, since)
);
-- The plans there are, and the rows of their rosters: whom each line means, and how much.
CREATE TABLE {schema}.subsidy_plan (
    plan_id  uuid    PRIMARY KEY,
    kind     text    NOT NULL,
    payer    text    NOT NULL,
    village  text    NOT NULL,
    year     integer NOT NULL,
    sequence integer NOT NULL
);
CREATE TABLE {schema}.roster_row (
    roster     uuid    NOT NULL,
    line       integer NOT NULL,
    account_id uuid    NOT NULL,
    fen        bigint  NOT NULL,
    PRIMARY KEY (roster, line)
);
