"""Values of a SaaS: its schema, what is read from it, what is written to it."""
