"""One file per verb: its options, its call of an action, and its output for people."""
