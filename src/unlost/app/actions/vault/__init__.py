"""The vault: create, verify, compact, mirror and repair it, and manage its keys."""
