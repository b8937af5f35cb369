"""Certificates for Dask as an operator has them: files, which its configuration names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import dask
from distributed.security import Security

_ROLES = ("client", "scheduler", "worker")


@contextmanager
def certificates(folder: Path) -> Iterator[None]:
    """Make some in ``folder``; until the end Dask uses them, in this process and in those that it starts."""
    made = Security.temporary()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(made.tls_ca_file)
    key.write_text(made.tls_client_key)
    settings = {"ca-file": str(certificate)}
    for role in _ROLES:
        settings |= {f"{role}.cert": str(certificate), f"{role}.key": str(key)}
    in_environment = {
        f"DASK_DISTRIBUTED__COMM__TLS__{name.replace('.', '__').replace('-', '_').upper()}": value
        for name, value in settings.items()
    }
    in_dask = {f"distributed.comm.tls.{name}": value for name, value in settings.items()}
    with mock.patch.dict(os.environ, in_environment), dask.config.set(in_dask):
        yield
