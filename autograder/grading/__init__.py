"""Grades one submitted notebook: what of it counts, and what its answers are worth."""
