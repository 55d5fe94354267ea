"""Retention: legal holds, and the clean-up after an erasure."""
