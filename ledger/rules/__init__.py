"""Dated rules of each region as TOML, each value with its document, clause and confidence."""
