"""Records and files that belong to a record, and all data of a person."""
