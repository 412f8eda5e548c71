"""The tables of one pool (`pool/`) and of what pools share (`shared/`), and the run that brings them to head."""
