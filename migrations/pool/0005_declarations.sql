-- What is declared and not yet booked stands in declarations of its own; the booked aid of a year no longer says a zero
-- for it.
UPDATE {schema}.account_state
SET state = convert_to(
    regexp_replace(convert_from(state, 'UTF8'), '(\[\d{4},\d+,\d+),0\]', '\1]', 'g'), 'UTF8')
WHERE position('"aid":'::bytea IN state) > 0;
