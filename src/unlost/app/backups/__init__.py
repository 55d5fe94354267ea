"""Backups: runs, and how people name a snapshot."""
