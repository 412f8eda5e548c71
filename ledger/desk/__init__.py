"""Single commands, one at a time from many counters: what they say, how they are decided, how they share a commit."""
