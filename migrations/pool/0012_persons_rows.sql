-- A month's comparison reads all rows of few persons: by person, then, and not all rows there are.
CREATE INDEX exchange_record_participant ON {schema}.exchange_record (participant_id);
CREATE INDEX receivable_participant ON {schema}.receivable (participant_id);
-- Withdrawals of a month: few, and asked for apart from all approvals.
CREATE INDEX receivable_withdrawn ON {schema}.receivable (approved_on) WHERE data_type = 2;
