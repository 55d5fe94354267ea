"""Commands for orgs."""
