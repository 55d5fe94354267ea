"""Durable runs: finished steps are kept, so that a crash or a pause loses none of them.

Knows the model alone; what a run does is handed in by ``unlost.app``.
"""
