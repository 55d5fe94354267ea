"""Retention: keep data as long as the rules require, and forget the rest."""
