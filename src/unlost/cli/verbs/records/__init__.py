"""Commands for records: find, show, compare, export."""
