"""Lints source notebooks, builds from them what students and graders get, and lays out new assignments."""
