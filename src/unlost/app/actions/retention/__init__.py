"""Retention: keep rules, forgetting, legal holds, erasure, rectification, and personal data."""
