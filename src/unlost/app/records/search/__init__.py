"""A search for records: its text and filters, and its hits as people see them."""
