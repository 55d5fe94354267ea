"""Health checks of the home, the keys and the orgs."""
