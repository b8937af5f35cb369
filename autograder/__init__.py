"""Builds and grades homework from its source notebooks.

Rooms, from the ground up; a lower one never imports a higher one, and a test says so:

``assignment``  what an assignment is: every other room is handed one
``authoring``   source notebooks to release, otter zips, executed solutions; new assignments
``sandbox``     a box for untrusted Python; knows no notebook
``grading``     one submitted notebook to verdicts, so that its code never meets the tests
``adapters``    the verdicts into nbgrader and otter-grader
``course``      a whole class: collect, grade, record, report
``strength``    the tests of the tests

``cli`` names the commands. Below all rooms: ``errors``, ``schema``, ``process``, ``regular_files``.
"""
