"""Reads source notebooks, lints them, and builds from them what students and graders get."""

import sys

# Whatever reads notebooks imports jsonschema, and that compiles 38 grammars of international addresses if it can: 0.8 s
# of every process, for checks that notebooks have no use for. Without them jsonschema leaves those checks out. (None in
# place of a module makes its import fail, which the type of this dictionary does not know.) Not for all of this
# package: students' processes do not import this part, and nothing of theirs should look different.
# https://python-jsonschema.readthedocs.io/en/stable/validate/#validating-formats
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
