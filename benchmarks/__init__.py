"""What "fast" means here: ratios taken in one run on one machine, printed beside their limits."""
