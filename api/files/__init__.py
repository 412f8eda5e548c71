"""Tables in (.csv, .xlsx) and result files out."""
