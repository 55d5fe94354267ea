"""Runs and schedules, plans, previews, and selections in long lists."""
