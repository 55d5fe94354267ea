"""Tokens and how they are given out."""
