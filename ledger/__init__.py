"""What may happen to a personal account, and how it is recorded."""
