"""Known wrong answers, a module for each notebook: functions ``<question>__<mistake>``.

The docstring is what a good teaching assistant would say to the student who made the mistake.
"""
