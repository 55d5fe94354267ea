"""One file a verb: its options, its call of an action, and its words for people."""
