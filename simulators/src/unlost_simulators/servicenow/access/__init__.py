"""The rights of users: ACLs, query ACLs, domains, before-query rules."""
