"""Runs, schedules, and what a run remembers: plans, previews, selections."""
