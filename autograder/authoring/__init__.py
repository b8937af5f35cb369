"""Reads source notebooks, lints them, and builds from them what students and graders get."""
