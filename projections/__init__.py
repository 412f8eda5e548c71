"""What has happened, folded from the log into tables to read."""
