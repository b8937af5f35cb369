"""What cells show, from the student process into the executed notebook: checked, measured, and harmless to look at."""

import re
import string
from collections import Counter
from typing import Any

from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat import NotebookNode
from nbformat.v4 import new_output

_STREAMS = ("stdout", "stderr")
_TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")
_IMAGES = ("image/png", "image/jpeg")
_BASE64 = f"{string.ascii_letters}{string.digits}+/={string.whitespace}".encode()
# Links of Markdown's own become HTML only where it is shown, after the cleaning.
_SCRIPT_LINK = re.compile(r"script\s*:|data\s*:|&#|&colon", re.IGNORECASE)
# Cleaning takes a second per MB; a table of a thousand rows is 100 KB.
_MAX_HTML = 1 << 18
# And for each tag as many steps as there are open ones around it.
_MAX_DEPTH = 100
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_EMPTY_TAGS = {"br", "col", "hr", "img", "input", "wbr"}
_TAGS = (
    "a abbr b blockquote br caption code col colgroup dd details div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s "
    "small span strong sub summary sup table tbody td tfoot th thead tr u ul"
)
_ATTRIBUTES = {"*": ["class", "title"], "a": ["href"], "img": ["alt"], "td": ["colspan", "rowspan"],
               "th": ["colspan", "rowspan"]}  # fmt: skip


class CheckedOutputs:
    """Takes the outputs of one cell after the other, until they are ``room`` bytes in all."""

    def __init__(self, room: int) -> None:
        self._limit = self._room = room

    def take(self, items: Any) -> list[NotebookNode]:
        """Outputs in notebook format from what the student process sent; what makes no sense is dropped."""
        outputs = []
        for output in filter(None, map(_output, items if type(items) is list else [])):
            had_room = self._room >= 0
            self._room -= _size(output)
            if self._room >= 0:
                outputs.append(output)
            elif had_room:
                text = f"\n[All further output is left out: the notebook's is over {self._limit >> 20} MB.]\n"
                outputs.append(new_output("stream", name="stderr", text=text))
        return outputs


def error_output(name: str, text: str) -> NotebookNode:
    """An output that reads as an exception does."""
    output: NotebookNode = new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])
    return output


def clean(node: NotebookNode) -> None:
    """Leave nothing in the outputs that would run in the browser of whoever looks at them."""
    cleaner = SanitizeHTML(tags=_TAGS.split(), attributes=_ATTRIBUTES, strip=True)
    for index, cell in enumerate(node.cells):
        if any("data" in output for output in cell.get("outputs", [])):
            cleaner.preprocess_cell(cell, {}, index)


def _output(item: Any) -> NotebookNode | None:
    """One output, valid by construction: nbformat's own ``new_output`` takes a millisecond to find that it is."""
    match item:
        case {"output_type": "stream", "name": str(name), "text": str(text)} if name in _STREAMS:
            return NotebookNode(output_type="stream", name=name, text=text)
        case {"output_type": "error", "ename": str(ename), "evalue": str(evalue), "traceback": list(lines)}:
            shown = [line for line in lines if type(line) is str]
            return NotebookNode(output_type="error", ename=ename, evalue=evalue, traceback=shown)
        case {"output_type": "execute_result" | "display_data" as kind, "data": dict(data)}:
            kept = {mime: value for mime, value in data.items() if _is_shown(mime, value)}
            count = item.get("execution_count")
            number = {"execution_count": count if type(count) is int else None} if kind == "execute_result" else {}
            return NotebookNode(output_type=kind, data=NotebookNode(kept), metadata=NotebookNode(), **number)
    return None


def _is_shown(mime: Any, value: Any) -> bool:
    if type(value) is not str:
        return False
    if mime in _IMAGES:
        return not value.encode(errors="replace").translate(None, delete=_BASE64)
    if mime == "text/markdown" and _SCRIPT_LINK.search(value):
        return False
    return mime in _TEXTS and (mime not in ("text/html", "text/markdown") or _is_small(value))


def _is_small(html: str) -> bool:
    """Whether HTML is cleaned in no time: short, and with few tags that are open at a time."""
    if len(html) > _MAX_HTML:
        return False
    depth: Counter[str] = Counter()
    for closing, name in _TAG.findall(html.lower()):
        if name not in _EMPTY_TAGS:
            depth[name] = max(0, depth[name] + (-1 if closing else 1))
            if not closing and depth.total() > _MAX_DEPTH:
                return False
    return True


def _size(output: NotebookNode) -> int:
    texts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", ())]
    return sum(map(len, (*texts, *output.get("data", {}).values())))
