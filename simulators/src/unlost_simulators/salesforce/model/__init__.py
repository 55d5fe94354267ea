"""Values of an org: objects, fields, users, settings, ids, numbers, results and refusals."""
