"""The recorder's SQL for one pool, with qualified names: never a search_path."""

from __future__ import annotations

from psycopg.sql import SQL, Identifier


class Statements:
    """The statements of one pool's log, head and states."""

    def __init__(self, schema: str, events: str) -> None:
        def sql(text: str) -> bytes:
            composed = SQL(text).format(
                log=Identifier(schema, events),
                head=Identifier(schema, "log_head"),
                states=Identifier(schema, "account_state"),
            )
            return composed.as_bytes(None)

        self.lock_head = sql("SELECT last_id, last_at, rules_version FROM {head} FOR UPDATE")
        self.take_head = sql(
            "UPDATE {head} SET last_id = last_id + %s,"
            " last_at = greatest(%s, last_at + interval '1 microsecond'),"
            " rules_version = coalesce(%s, rules_version) RETURNING last_id, last_at, rules_version"
        )
        # Whoever is next for the row lock of log_head waits for the end of this transaction.
        self.waited_for = (
            "SELECT FROM pg_locks WHERE locktype = 'transactionid' AND transactionid = pg_current_xact_id()::xid"
            " AND NOT granted LIMIT 1"
        )
        self.give_back = sql("UPDATE {head} SET last_id = last_id - %s")
        # A planner that finds this table empty would scan every state; with its size unknown it takes the index.
        self.moving_table = (
            "CREATE TEMP TABLE IF NOT EXISTS moving (account_id uuid, expected bigint, version bigint,"
            " credited_through smallint, state bytea) ON COMMIT DELETE ROWS"
        )
        self.fill_moving = "COPY moving FROM STDIN (FORMAT BINARY)"
        self.insert_moving = sql(
            "INSERT INTO {states} SELECT account_id, version, credited_through, state FROM moving WHERE expected = 0"
        )
        self.update_moving = sql(
            "UPDATE {states} s SET version = m.version, credited_through = m.credited_through, state = m.state"
            " FROM moving m WHERE s.account_id = m.account_id AND s.version = m.expected"
            " AND s.account_id BETWEEN %s AND %s"
        )
        # Not "version differs": another writer may have brought the account to the very version we meant to write.
        # A row that this transaction wrote carries this transaction's id.
        self.moved_of_moving = sql(
            "SELECT m.account_id FROM moving m LEFT JOIN {states} s USING (account_id)"
            " WHERE s.xmin IS DISTINCT FROM pg_current_xact_id()::xid"
        )
        given = (
            " unnest(%(accounts)s::uuid[], %(expected)s::bigint[], %(versions)s::bigint[], %(through)s::bigint[],"
            " %(states)s::bytea[]) AS m (account_id, expected, version, credited_through, state)"
        )
        self.insert_states = sql(
            "INSERT INTO {states} SELECT account_id, version, credited_through, state FROM"
            + given
            + " WHERE expected = 0"
        )
        self.update_states = sql(
            "UPDATE {states} s SET version = m.version, credited_through = m.credited_through, state = m.state FROM"
            + given
            + " WHERE s.account_id = m.account_id AND s.version = m.expected"
        )
        self.moved_states = sql(
            "SELECT m.account_id FROM" + given + " LEFT JOIN {states} s USING (account_id)"
            " WHERE s.xmin IS DISTINCT FROM pg_current_xact_id()::xid"
        )
        self.copy_log = sql(
            "COPY {log} (originator_id, originator_version, topic, state, notification_id, recorded_at)"
            " FROM STDIN (FORMAT BINARY)"
        )
        insert = (
            "INSERT INTO {log} (originator_id, originator_version, topic, state, notification_id, recorded_at)"
            " SELECT s, v, t, b, %(before)s + place, %(at)s FROM unnest(%(streams)s::uuid[], %(numbers)s::bigint[],"
            " %(topics)s::text[], %(bodies)s::bytea[]) WITH ORDINALITY AS r (s, v, t, b, place)"
        )
        self.insert_log = sql(insert)
        # All that a decision made under the lock writes, in one statement. No state can have moved there; had one, the
        # division fails the transaction before its commit, which is on its way already.
        self.write_decided = sql(
            "WITH done AS (UPDATE {states} s SET version = m.version, credited_through = m.credited_through,"
            " state = m.state FROM" + given + " WHERE s.account_id = m.account_id AND s.version = m.expected"
            " RETURNING 1), head AS (UPDATE {head} SET last_id = last_id + %(events)s, last_at = %(at)s),"
            " log AS (" + insert + ") SELECT 1 / (count(*) = %(old)s)::int FROM done"
        )
        columns = "originator_id, originator_version, topic, state, notification_id"
        self.select_stream = sql(
            "SELECT originator_id, originator_version, topic, state FROM {log}"
            " WHERE originator_id = %s AND originator_version > %s"
            " AND (%s::bigint IS NULL OR originator_version <= %s) ORDER BY originator_version"
        )
        self.select_log = sql(
            "SELECT " + columns + " FROM {log} WHERE notification_id > %s"
            " AND (%s::bigint IS NULL OR notification_id <= %s)"
            " AND (cardinality(%s::text[]) = 0 OR topic = ANY(%s)) ORDER BY notification_id LIMIT %s"
        )
        self.max_id = sql("SELECT max(notification_id) FROM {log}")
