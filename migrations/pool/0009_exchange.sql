-- What is exchanged with the tax side, finance, the treasury, banks and counties: every file, every row as received.

-- A file is known by its bytes, so the same one sent again is the same file; a notice by its roster. `said_rows` and
-- `said_fen` are what its own batch header states, where it has one.
CREATE TABLE {schema}.exchange_file (
    file_id     integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text        NOT NULL,
    sha256      bytea       NOT NULL,
    profile     text        NOT NULL,
    batch       text        NOT NULL,
    said_rows   bigint,
    said_fen    bigint,
    actor       text        NOT NULL,
    reviewer    text        NOT NULL,
    received_at timestamptz NOT NULL,
    UNIQUE (kind, sha256)
);
-- Which months a file's rows concern, and with how many rows: a month whose counts have grown since it was compared is
-- compared again. `side` is 1 for what was collected (by treasury entry), 2 for what was approved (by day of approval).
CREATE TABLE {schema}.exchange_month (
    month   date     NOT NULL,
    side    smallint NOT NULL,
    file_id integer  NOT NULL,
    rows    bigint   NOT NULL,
    PRIMARY KEY (month, side, file_id)
);
-- A row of 缴费明细 as received, written with the event it became, and never changed. Who it is about is `sealed` under
-- the person's own key, or, where nobody is known by its number, under the intake key of the pool: then `digest` leads
-- to it when that person is erased, and `digest` and `sealed` are emptied. `row_hash` proves, by the same key, all that
-- is kept of the row; of an emptied one what is left of it, and is shorter. `kind`, `payment_type` and `ended` are the
-- places of their words in the program's lists; a row that could not be read has no figures.
CREATE TABLE {schema}.exchange_record (
    file_id        integer  NOT NULL,
    line           integer  NOT NULL,
    data_type      smallint NOT NULL,
    ended          smallint NOT NULL,
    kind           smallint,
    payment_type   smallint,
    period         smallint,
    paid_on        date,
    treasury_on    date,
    fen            bigint,
    participant_id uuid,
    serial         text     NOT NULL,
    voucher        text     NOT NULL,
    approval       text     NOT NULL,
    payer          text     NOT NULL,
    agency         text     NOT NULL,
    level          text     NOT NULL,
    document       text     NOT NULL,
    batch          text     NOT NULL,
    reason         text     NOT NULL,
    digest         bytea,
    sealed         bytea,
    row_hash       bytea    NOT NULL,
    PRIMARY KEY (file_id, line)
);
CREATE INDEX exchange_record_treasury_on ON {schema}.exchange_record (treasury_on);
-- Rows that were not booked as they came: looked up whenever their serial comes again, and listed with their age.
CREATE INDEX exchange_record_unbooked ON {schema}.exchange_record (serial) WHERE ended <> 1;
-- Cancellations of a month, and rows that could not be read: few, and asked for apart from all others.
CREATE INDEX exchange_record_no_payment ON {schema}.exchange_record (treasury_on) WHERE data_type <> 1;
-- Rows under the intake key that still say whom they are about: an erasure finds them by digest, and those without.
CREATE INDEX exchange_record_intake ON {schema}.exchange_record (digest)
    WHERE participant_id IS NULL AND sealed IS NOT NULL;
-- The key under which rows of unknown persons are sealed, wrapped by the installation's.
CREATE TABLE {schema}.intake_key (
    single      boolean PRIMARY KEY DEFAULT true CHECK (single),
    wrapped_key bytea   NOT NULL
);

-- 应收核定: what persons (or payers for them) are to pay, from notices and from files of other systems. A withdrawal
-- (data_type 2) is a row of its own.
CREATE TABLE {schema}.receivable (
    file_id        integer  NOT NULL,
    line           integer  NOT NULL,
    data_type      smallint NOT NULL,
    kind           smallint NOT NULL,
    payment_type   smallint NOT NULL,
    period         smallint NOT NULL,
    approved_on    date     NOT NULL,
    fen            bigint   NOT NULL,
    participant_id uuid     NOT NULL,
    number         text     NOT NULL,
    payer          text     NOT NULL,
    PRIMARY KEY (file_id, line)
);
CREATE INDEX receivable_approved_on ON {schema}.receivable (approved_on);
CREATE INDEX receivable_number ON {schema}.receivable (number);

-- Sums that others state: the treasury's daily totals, lines of the fiscal and the agency's bank accounts, counties'
-- totals, the tax side's counts. Whose they are is the kind of their file; `fen` is negative for money out.
CREATE TABLE {schema}.exchange_total (
    file_id      integer NOT NULL,
    line         integer NOT NULL,
    since        date    NOT NULL,
    until        date    NOT NULL,
    kind         smallint,
    payment_type smallint,
    county       text    NOT NULL,
    rows         bigint,
    fen          bigint  NOT NULL,
    reference    text    NOT NULL,
    PRIMARY KEY (file_id, line)
);
CREATE INDEX exchange_total_since ON {schema}.exchange_total (since);

-- The view of a month, folded from the records above and the log. `rows_through` counts the rows of `exchange_month` up to
-- this month when it was folded, `rows_all` those of all months: where one has grown since, the month is folded again.
-- `approved_first` is the rule under which it was folded.
CREATE TABLE {schema}.reconciliation_month_v1 (
    month          date   PRIMARY KEY,
    rows_through   bigint NOT NULL,
    rows_all       bigint NOT NULL,
    approved_first text   NOT NULL,
    position       bigint NOT NULL,
    totals         jsonb  NOT NULL
);
-- `fen` and `rows` are tax less agency. The records are named by their places; `detail` is JSON. `cleared` says what
-- ended a difference by itself, `cleared_in` in which other month. What people said of one stands in the log.
CREATE TABLE {schema}.reconciliation_difference_v1 (
    month          date    NOT NULL,
    difference_id  uuid    NOT NULL,
    comparison     text    NOT NULL,
    category       text    NOT NULL,
    fen            bigint  NOT NULL,
    rows           integer NOT NULL,
    participant_id uuid,
    tax_file       integer,
    tax_line       integer,
    agency_file    integer,
    agency_line    integer,
    proposal       uuid,
    cleared        text    NOT NULL,
    cleared_in     date,
    detail         jsonb   NOT NULL,
    PRIMARY KEY (month, difference_id)
);
CREATE INDEX reconciliation_difference_cleared_in ON {schema}.reconciliation_difference_v1 (cleared_in);
-- Not moved along the log as other projections are: each month says what it rests on.
INSERT INTO {schema}.projection VALUES ('reconciliation', 1, 0);
