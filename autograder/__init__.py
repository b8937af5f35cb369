"""Tooling of the Homework 4 autograder bundle.

Four rooms, in the order data flows through them; a lower one never imports a higher one:
``authoring`` (source notebooks to release and otter zips), ``grading`` (a submission's cells into the source's),
``adapters`` (into nbgrader and otter) and ``course`` (a whole class). ``cli`` names the commands.
"""
