"""Pages of orgs: connect, look at, configure."""
