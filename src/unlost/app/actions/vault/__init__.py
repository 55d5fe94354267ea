"""The vault: found, verify, compact, mirror and repair it, and manage its keys."""
