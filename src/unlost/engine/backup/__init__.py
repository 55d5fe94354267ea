"""Backups: one run reads an org and ends in one commit."""
