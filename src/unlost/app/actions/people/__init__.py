"""People, tokens, single sign-on and the audit log."""
