"""Thin connections into nbgrader and otter-grader."""
