"""Which names a piece of notebook code defines, and which it expects to find."""

import ast
import builtins
import io
import symtable
import tokenize


def defined_names(code: str) -> set[str]:
    """Names that ``code`` binds at its top level; empty for code that is not plain Python (magics)."""
    try:
        table = symtable.symtable(code, "<cell>", "exec")
    except SyntaxError:
        return set()
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def free_names(code: str) -> list[str]:
    """Names that ``code`` uses and neither defines itself nor finds among the builtins, sorted.

    Raises ``SyntaxError`` when the code is not plain Python.
    """
    ast.parse(code)
    table = symtable.symtable(f"def _test():\n    pass\n{indent(code, 4)}", "<test>", "exec").get_children()[0]
    return sorted(_global_names(table) - set(dir(builtins)))


def indent(code: str, width: int) -> str:
    """Indent code without touching the inside of strings that span lines."""
    inside_string = {
        row
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.type == tokenize.STRING
        for row in range(token.start[0] + 1, token.end[0] + 1)
    }
    lines = code.splitlines()
    return "\n".join(
        line if number in inside_string or not line.strip() else " " * width + line
        for number, line in enumerate(lines, start=1)
    )


def is_empty(code: str) -> bool:
    """Whether code holds no statement (comments only, or nothing)."""
    try:
        return not ast.parse(code).body
    except SyntaxError:
        return False


def _global_names(table: symtable.SymbolTable) -> set[str]:
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    return own.union(*(_global_names(child) for child in table.get_children()))
