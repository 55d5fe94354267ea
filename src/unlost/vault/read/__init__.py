"""Reading an org of a vault: tables, records, histories, changes and search."""
