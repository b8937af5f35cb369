"""Tooling of the Homework 4 autograder bundle.

Four rooms, in the order data flows through them; a lower one never imports a higher one:
``authoring`` (source notebooks to release and otter zips), ``grading`` (a submission's cells into the source's),
``adapters`` (into nbgrader and otter) and ``course`` (a whole class). ``cli`` names the commands.
"""

import sys

# Whatever reads notebooks imports jsonschema, and that compiles 38 grammars of international addresses if it can: 0.8 s
# of every process, for checks that notebooks have no use for. Without them jsonschema leaves those checks out. (None in
# place of a module makes its import fail, which the type of this dictionary does not know.)
# https://python-jsonschema.readthedocs.io/en/stable/validate/#validating-formats
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
