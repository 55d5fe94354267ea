"""The tables and columns of an org, and which of them a backup reads."""
