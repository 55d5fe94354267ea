"""The values of an instance: columns, tables, users, ids, times, refusals."""
