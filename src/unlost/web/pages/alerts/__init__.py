"""Pages of alerts, and the overview of all orgs."""
