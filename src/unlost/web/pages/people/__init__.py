"""Pages of people, tokens, single sign-on and the audit log."""
