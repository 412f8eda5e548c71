"""The command `pension-ledger`, one file per command group."""
