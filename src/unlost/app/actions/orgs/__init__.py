"""Orgs: connect, show and configure them."""
