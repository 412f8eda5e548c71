"""Made-up sample files of three pools, their generator, and the naive model they are checked with."""
