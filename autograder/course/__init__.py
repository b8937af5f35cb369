"""A whole class: find submissions, grade them, compare, show."""
