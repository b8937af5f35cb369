"""Processes to try answers in."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Processes to grade in. Fresh ones, not forks: tests change the import path and the random state."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
