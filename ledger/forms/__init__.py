"""The forms of subsidy plans and social aid: which region has which, and what each one says."""
