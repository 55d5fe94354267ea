"""Signing in: sessions, lockouts, forms, and what of it goes into the audit log."""
