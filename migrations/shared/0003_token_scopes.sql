-- What a token opens: the pools of which it may speak (NULL: every pool), and whether it may only read.
ALTER TABLE {schema}.token
    ADD COLUMN pools      text[],
    ADD COLUMN reads_only boolean NOT NULL DEFAULT false;
