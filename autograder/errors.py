"""What can go wrong with input, as one small tree.

AutograderError
    NotebookError        a notebook is missing, unreadable, or not built as the rules ask
    CourseError          a folder of submissions, or a grading tool, does not do what was asked of it
        GradebookError   the database cannot be used (``course.gradebook``)
    IsolationError       this host cannot keep students' code from what must be protected (``sandbox.box``)
    ZygoteLost           the process from which sandboxes are forked is gone (``sandbox.box``)

The message is a sentence for the person at the command line: what happened, where, and what to do.
"""


class AutograderError(Exception):
    """Base of all errors that the command line reports as one line."""


class NotebookError(AutograderError):
    """A notebook is missing, unreadable, or not built as the rules ask."""


class CourseError(AutograderError):
    """A folder of submissions, or a grading tool, does not do what was asked of it."""
