"""Running a plan: calls that write, each announced in the journal before it is made."""
