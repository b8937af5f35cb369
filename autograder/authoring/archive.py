"""Zips that are byte for byte the same whenever their content is."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

# The earliest time a zip can hold.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


def write_zip(target: Path, entries: Mapping[str, bytes], executable: tuple[str, ...] = ()) -> Path:
    """Write ``entries`` (content by name) sorted, with fixed times and modes; returns ``target``."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, _TIMESTAMP)
            info.external_attr = (0o755 if name in executable else 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entries[name])
    return target
