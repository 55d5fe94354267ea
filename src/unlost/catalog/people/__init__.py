"""People, their sign-ins and tokens, and the audit log of what they did."""
