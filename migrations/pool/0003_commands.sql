-- Single commands from outside: each is done once, however often it is sent. The row is written in the transaction of
-- the command's events; `input_hash` is keyed, and `answer` is what the first sending was told (JSON).
CREATE TABLE {schema}.command (
    command_id uuid   PRIMARY KEY,
    input_hash bytea  NOT NULL,
    first_id   bigint NOT NULL,
    last_id    bigint NOT NULL,
    answer     bytea  NOT NULL
);
