"""What the notebooks of any homework import; what only one of them needs is in that homework's own package.

``start``         the first cell of every notebook: ``installation`` and ``boxes``
``installation``  what is missing on this computer, and how to fix it
``checks``        comparisons that explain a failure; the visible and the hidden tests use them
``explain``       from a failure to what a student should read about it
``boxes``         shows that in place of a test's traceback
``probes``        measurements on the student's own functions and layers, for tests and figures
``memory_limit``  a call that must do with a certain amount of memory
``by_hand``       the static check of questions that forbid library routines
``code_names``    what the names in a notebook's code stand for, which ``by_hand`` asks
``progress``      progress bars and messages that can be switched off
``submission``    the last cell of every notebook: check the notebook, write the zip to submit
``released``      what the download holds, and how a notebook differs from it
``own_files``     which files beside a notebook travel with it, and what its code needs that does not

Importing the package itself takes the standard library only: ``start`` tells what else is missing.
"""


def start() -> None:
    """Print what is missing on this computer, and show failures of tests as boxes from now on.

    In Google Colab what is missing is installed first. Where something is still missing there are no boxes.
    """
    from kit import installation

    complete = installation.check()
    try:
        from kit import boxes
    except Exception:  # whatever a missing or broken library raises
        if complete:
            raise
        return  # what was printed says how to fix it, and a traceback would hide that
    boxes.turn_on()
