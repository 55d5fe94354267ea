"""Stores that keep a vault's objects: a folder, a bucket, memory, and wrappers around them."""
