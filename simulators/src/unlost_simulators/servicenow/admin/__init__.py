"""The admin API of an instance."""
