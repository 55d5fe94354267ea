"""Durable runs: results of finished steps are stored, so a crash or a pause loses none of them.

Imports the model only; ``unlost.app`` passes in the work of each run.
"""
