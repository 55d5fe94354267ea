"""Backups: run them, list their snapshots, schedule them."""
