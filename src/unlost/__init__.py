"""Unlost backs up what a company keeps in SaaS applications, and brings it back."""
