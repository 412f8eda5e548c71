-- To which plan a roster belongs: payments find their plan by it.
CREATE TABLE {schema}.roster (
    roster  uuid PRIMARY KEY,
    plan_id uuid NOT NULL
);
INSERT INTO {schema}.roster
SELECT (convert_from(state, 'UTF8')::jsonb ->> 'roster')::uuid, originator_id
FROM {schema}.ledger_events WHERE topic = 'plan.roster_declared';
CREATE INDEX subsidy_plan_payer ON {schema}.subsidy_plan (payer, kind, year);
-- On whose word somebody is on a roll or has a status, and since when the ledger knows; what is said anew is a further
-- row, and the latest one of a first day holds.
ALTER TABLE {schema}.payer_member
    ADD COLUMN actor text NOT NULL DEFAULT '', ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now(),
    DROP CONSTRAINT payer_member_pkey;
ALTER TABLE {schema}.payer_member
    ADD PRIMARY KEY (payer, participant_id, since, recorded_at);
ALTER TABLE {schema}.person_status
    ADD COLUMN actor text NOT NULL DEFAULT '', ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now(),
    DROP CONSTRAINT person_status_pkey;
ALTER TABLE {schema}.person_status
    ADD PRIMARY KEY (participant_id, status, since, recorded_at);
