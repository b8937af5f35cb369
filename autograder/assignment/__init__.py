"""What an assignment is: where its files lie, its settings, and its notebooks with their questions.

``assignment``  ``Assignment``, the object that every other room is handed
``notebook``    ``Notebook`` > ``Question`` > ``Cell``, read from a source notebook
``names``       which names a piece of notebook code defines and uses
``catalogue``   collections of alternative answers: known mistakes and correct variants
``imports``     which files of a package Python code needs
"""

import sys

# Whatever reads notebooks imports jsonschema, and that compiles 38 grammars of international addresses if it can: 0.8 s
# of every process, for checks that notebooks have no use for. Without them jsonschema leaves those checks out. (None in
# place of a module makes its import fail, which the type of this dictionary does not know.) Not for all of this
# package: students' processes do not import this part, and nothing of theirs should look different.
# https://python-jsonschema.readthedocs.io/en/stable/validate/#validating-formats
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
