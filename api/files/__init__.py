"""Tables in (.csv, .xlsx), result files and forms out."""
