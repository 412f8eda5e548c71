"""Accounts or rows in, outcomes out: the annual interest run and the intake of files."""
