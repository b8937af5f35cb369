"""Puts the engine's verdicts into nbgrader and into otter-grader."""

# The environment variable that overrides what a zip says about isolation: ``strict`` or ``none``.
ISOLATION_VARIABLE = "AUTOGRADER_ISOLATION"
# What nbgrader's exchange puts beside a student's notebooks: when they were submitted, and what finds their feedback.
TIMESTAMP = "timestamp.txt"
SECRET = "submission_secret.txt"
