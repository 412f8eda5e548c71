"""The log, the states and the register in PostgreSQL: the only part of the ledger that speaks to a database."""
