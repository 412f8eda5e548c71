-- What an account holds follows from its opening and its entries; the state no longer says it a second time.
UPDATE {schema}.account_state
SET state = convert_to(regexp_replace(convert_from(state, 'UTF8'), ',"balance":{[^}]*}', ''), 'UTF8')
WHERE position('"balance":'::bytea IN state) > 0;
