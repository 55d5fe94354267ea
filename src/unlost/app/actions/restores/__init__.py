"""Restores: select records, plan, edit the plan, run it, show its outcome."""
