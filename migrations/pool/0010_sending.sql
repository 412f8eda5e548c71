-- A receivable is there once: (应收核定编号, person, item, period, 缴费类型, 数据类型). Found by number, and by person under it.
CREATE UNIQUE INDEX receivable_identity
    ON {schema}.receivable (number, participant_id, kind, period, payment_type, data_type);
DROP INDEX {schema}.receivable_number;

-- What was issued before this version: rosters whose 缴费通知单 was issued, whose rows are their receivables.
CREATE TEMPORARY TABLE issued ON COMMIT DROP AS
SELECT DISTINCT ON (x.roster) x.roster, s.originator_id AS plan_id, p.payer, p.kind, d.year, x."on" AS on_day, x.actor,
    x.reviewer, s.recorded_at
FROM {schema}.ledger_events s,
    jsonb_to_record(convert_from(s.state, 'UTF8')::jsonb) AS x (step text, roster uuid, "on" date, actor text, reviewer text),
    {schema}.subsidy_plan p,
    LATERAL (
        SELECT (said ->> 'year')::smallint AS year FROM {schema}.ledger_events e,
            LATERAL (SELECT convert_from(e.state, 'UTF8')::jsonb AS said) AS t
        WHERE e.originator_id = s.originator_id AND e.topic = 'plan.roster_declared'
            AND (said ->> 'roster')::uuid = x.roster
    ) AS d
WHERE s.topic = 'plan.step_taken' AND x.step = 'notice_issued' AND p.plan_id = s.originator_id
ORDER BY x.roster, s.notification_id;
INSERT INTO {schema}.exchange_file (kind, sha256, profile, batch, said_rows, said_fen, actor, reviewer, received_at)
SELECT 'notice', uuid_send(roster), '', '', NULL, NULL, actor, coalesce(reviewer, ''), recorded_at
FROM issued ORDER BY recorded_at;
INSERT INTO {schema}.receivable
SELECT f.file_id, r.line, 1,
    array_position(ARRAY['contribution', 'government_paid', 'collective_subsidy', 'social_aid'], i.kind) - 1, 0, i.year,
    i.on_day, r.fen, h.participant_id, i.roster::text, i.payer
FROM issued i JOIN {schema}.exchange_file f ON f.kind = 'notice' AND f.sha256 = uuid_send(i.roster)
    JOIN {schema}.roster_row r ON r.roster = i.roster JOIN {schema}.account_holder h USING (account_id);
-- Of those that went back, or whose plan was closed, what no account had been credited with is withdrawn.
CREATE TEMPORARY TABLE ended ON COMMIT DROP AS
SELECT DISTINCT ON (i.roster) i.roster, e.recorded_at, x.actor, x.reviewer,
    (e.recorded_at AT TIME ZONE 'Asia/Shanghai')::date AS on_day
FROM issued i JOIN {schema}.ledger_events e ON e.originator_id = i.plan_id,
    jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) AS x (roster uuid, actor text, reviewer text)
WHERE e.topic = 'plan.closed' OR (e.topic = 'plan.roster_returned' AND x.roster = i.roster)
ORDER BY i.roster, e.notification_id;
CREATE TEMPORARY TABLE unpaid ON COMMIT DROP AS
SELECT n.roster, r.line, r.kind, r.payment_type, r.period, n.on_day, r.fen - p.fen AS fen, r.participant_id, r.number,
    r.payer
FROM ended n JOIN {schema}.receivable r ON r.number = n.roster::text,
    LATERAL (
        SELECT coalesce(sum(coalesce((x.effect ->> 'collective_subsidy')::bigint, 0)
            + coalesce((x.effect ->> 'social_aid')::bigint, 0)), 0)::bigint AS fen
        FROM {schema}.account_holder h JOIN {schema}.ledger_events e ON e.originator_id = h.account_id,
            jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) AS x (roster text, effect jsonb)
        WHERE h.participant_id = r.participant_id AND x.roster = r.number AND e.topic IN
            ('account.collective_subsidy_recorded', 'account.social_aid_recorded', 'account.entry_reversed')
    ) AS p
WHERE r.fen > p.fen;
INSERT INTO {schema}.exchange_file (kind, sha256, profile, batch, said_rows, said_fen, actor, reviewer, received_at)
SELECT 'notice', uuid_send(roster) || 'withdrawn'::bytea, '', '', NULL, NULL, actor, coalesce(reviewer, ''), recorded_at
FROM ended WHERE roster IN (SELECT roster FROM unpaid) ORDER BY recorded_at;
INSERT INTO {schema}.receivable
SELECT f.file_id, u.line, 2, u.kind, u.payment_type, u.period, u.on_day, u.fen, u.participant_id, u.number, u.payer
FROM unpaid u JOIN {schema}.exchange_file f
    ON f.kind = 'notice' AND f.sha256 = uuid_send(u.roster) || 'withdrawn'::bytea;
INSERT INTO {schema}.exchange_month
SELECT date_trunc('month', approved_on)::date, 2, file_id, count(*) FROM {schema}.receivable GROUP BY 1, 3;

-- What goes out to the tax side: batches numbered without a gap. A row says who it is about by ids alone (`subject` within
-- its kind, the participant with the version of the register that was sent) and `said` all its other cells, so its file
-- can be written again as it was; `columns` are the names of the file's.
CREATE TABLE {schema}.exchange_batch (
    batch    integer     PRIMARY KEY,
    kind     text        NOT NULL,
    columns  text[]      NOT NULL,
    rows     integer     NOT NULL,
    fen      bigint      NOT NULL,
    actor    text        NOT NULL,
    reviewer text        NOT NULL,
    sent_at  timestamptz NOT NULL
);
CREATE TABLE {schema}.exchange_sent (
    batch            integer NOT NULL,
    place            integer NOT NULL,
    kind             text    NOT NULL,
    subject          text    NOT NULL,
    participant_id   uuid,
    register_version integer NOT NULL,
    fen              bigint  NOT NULL,
    said             text[]  NOT NULL,
    PRIMARY KEY (batch, place)
);
CREATE INDEX exchange_sent_subject ON {schema}.exchange_sent (kind, subject, batch);
-- What the tax side answered to a row: once in a file, and a further answer beside the first. The latest one holds.
CREATE TABLE {schema}.exchange_answer (
    batch       integer     NOT NULL,
    place       integer     NOT NULL,
    file_id     integer     NOT NULL,
    line        integer     NOT NULL,
    accepted    boolean     NOT NULL,
    reason      text        NOT NULL,
    actor       text        NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (batch, place, file_id)
);
-- A rejected row that may be sent again as it stands, on whose word and why.
CREATE TABLE {schema}.exchange_release (
    batch       integer     NOT NULL,
    place       integer     NOT NULL,
    reason      text        NOT NULL,
    actor       text        NOT NULL,
    reviewer    text        NOT NULL,
    released_at timestamptz NOT NULL,
    PRIMARY KEY (batch, place)
);
