"""Processes to try answers in."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import torch


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Processes of one thread to grade in. Fresh ones, not forks: tests change the import path and the random state."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=torch.set_num_threads, initargs=(1,))
