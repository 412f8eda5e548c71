-- To which plan a roster belongs: payments find their plan by it.
CREATE TABLE {schema}.roster (
    roster  uuid PRIMARY KEY,
    plan_id uuid NOT NULL
);
INSERT INTO {schema}.roster
SELECT (convert_from(state, 'UTF8')::jsonb ->> 'roster')::uuid, originator_id
FROM {schema}.ledger_events WHERE topic = 'plan.roster_declared';
CREATE INDEX subsidy_plan_payer ON {schema}.subsidy_plan (payer, kind, year);
-- On whose word somebody is on a roll or has a status, and from which paper.
ALTER TABLE {schema}.payer_member
    ADD COLUMN document text NOT NULL DEFAULT '', ADD COLUMN actor text NOT NULL DEFAULT '',
    ADD COLUMN recorded_at timestamptz;
ALTER TABLE {schema}.person_status
    ADD COLUMN document text NOT NULL DEFAULT '', ADD COLUMN actor text NOT NULL DEFAULT '',
    ADD COLUMN recorded_at timestamptz;
