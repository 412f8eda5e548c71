-- A month's comparison reads all rows of few persons: by person, then, and not all rows there are.
CREATE INDEX exchange_record_participant ON {schema}.exchange_record (participant_id);
CREATE INDEX receivable_participant ON {schema}.receivable (participant_id);
-- Rows of a day came together and lie together, so where they lie says as much as a tree of them all, whose upkeep took as
-- long as that of the rows by person.
DROP INDEX {schema}.exchange_record_treasury_on;
CREATE INDEX exchange_record_treasury_on ON {schema}.exchange_record USING brin (treasury_on) WITH (autosummarize = on);
-- Withdrawals of a month: few, and asked for apart from all approvals.
CREATE INDEX receivable_withdrawn ON {schema}.receivable (approved_on) WHERE data_type = 2;
