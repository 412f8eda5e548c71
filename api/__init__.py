"""Every face of the ledger, and nothing else."""
