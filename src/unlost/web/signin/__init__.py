"""Sign-in: sessions, lockouts, forms, and audit entries."""
