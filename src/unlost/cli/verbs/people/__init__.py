"""Commands for people, tokens, single sign-on and the audit log."""
