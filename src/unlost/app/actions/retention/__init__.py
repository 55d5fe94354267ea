"""Retention: what is kept, forgotten, held, erased and rectified."""
