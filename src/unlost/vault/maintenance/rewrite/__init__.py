"""Rewriting of segments and packs: merged, without some rows, or with contents in new packs.

Compaction, retention, erasure, rectification and salvage share it.
"""
