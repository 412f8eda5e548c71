"""The ledger over HTTP: one file per resource."""
