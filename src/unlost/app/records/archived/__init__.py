"""Records that archives took out of an org."""
