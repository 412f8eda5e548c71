-- What else comes from the tax side: refund requests, payments that failed, and the treasury entry of special payments.
-- No table here says who somebody is: a person stands in it by the id of the register, a bank account in none.

-- 退费申请, each row as it came: a cancellation (data_type 2) is a row of its own, and a row is known by its number and
-- data type. `pay_id` is the id under which its refund is recorded, once. `refund_type` is the code of AAE494.
CREATE TABLE {schema}.refund_request (
    number         text     NOT NULL,
    data_type      smallint NOT NULL,
    file_id        integer  NOT NULL,
    line           integer  NOT NULL,
    received_on    date     NOT NULL,
    participant_id uuid     NOT NULL,
    kind           smallint NOT NULL,
    period         smallint NOT NULL,
    fen            bigint   NOT NULL,
    paid_fen       bigint,
    refund_type    smallint NOT NULL,
    voucher        text     NOT NULL,
    serial         text     NOT NULL,
    paid_on        date     NOT NULL,
    treasury_on    date,
    batch          text     NOT NULL,
    pay_id         uuid     NOT NULL,
    PRIMARY KEY (number, data_type)
);
CREATE INDEX refund_request_participant ON {schema}.refund_request (participant_id);
CREATE INDEX refund_request_pay_id ON {schema}.refund_request (pay_id);
-- 退费核验, never changed: a second verdict stands beside the first. `account_id` and `entry` are the entry that an
-- accepted request returns money of; `facts` is what the books said then, by which a new fact is told.
CREATE TABLE {schema}.refund_verdict (
    number      text        NOT NULL,
    sequence    smallint    NOT NULL,
    verdict_id  uuid        NOT NULL UNIQUE,
    accepted    boolean     NOT NULL,
    reason      text        NOT NULL,
    payer       text        NOT NULL,
    rule        text        NOT NULL,
    account_id  uuid,
    entry       bigint,
    fen         bigint      NOT NULL,
    facts       text        NOT NULL,
    actor       text        NOT NULL,
    reviewer    text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (number, sequence)
);
-- A month's refunds are looked for in the log: one without a request is a difference.
CREATE INDEX ledger_events_refunded ON {schema}.ledger_events (notification_id) WHERE topic = 'account.refunded';

-- 缴费不成功信息: a case each. Whoever is not registered stands by the keyed digest of their number alone; it goes when
-- they are registered and erased.
CREATE TABLE {schema}.payment_failure (
    case_id        uuid        PRIMARY KEY,
    file_id        integer     NOT NULL,
    line           integer     NOT NULL,
    participant_id uuid,
    digest         bytea,
    kind           smallint    NOT NULL,
    period         smallint    NOT NULL,
    fen            bigint      NOT NULL,
    failed_on      date        NOT NULL,
    serial         text        NOT NULL,
    voucher        text        NOT NULL,
    cause          text        NOT NULL,
    batch          text        NOT NULL,
    received_at    timestamptz NOT NULL
);
CREATE INDEX payment_failure_participant ON {schema}.payment_failure (participant_id);
CREATE INDEX payment_failure_digest ON {schema}.payment_failure (digest) WHERE digest IS NOT NULL;
-- What was done about a case, step after step: 1 assigned, 2 explained, 3 closed.
CREATE TABLE {schema}.failure_step (
    case_id     uuid        NOT NULL,
    sequence    smallint    NOT NULL,
    command_id  uuid        NOT NULL UNIQUE,
    step        smallint    NOT NULL,
    owner       text        NOT NULL,
    due_on      date,
    reason      text        NOT NULL,
    actor       text        NOT NULL,
    reviewer    text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, sequence)
);

-- 特殊缴费业务入库反馈: the approved back payment of a person for a year has entered the treasury, once.
CREATE TABLE {schema}.special_feedback (
    number         text     NOT NULL,
    participant_id uuid     NOT NULL,
    period         smallint NOT NULL,
    payment_type   smallint NOT NULL,
    fen            bigint   NOT NULL,
    treasury_on    date     NOT NULL,
    voucher        text     NOT NULL,
    file_id        integer  NOT NULL,
    line           integer  NOT NULL,
    received_on    date     NOT NULL,
    PRIMARY KEY (number, participant_id, period)
);
