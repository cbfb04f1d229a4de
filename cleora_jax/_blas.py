"""LAPACK under one thread: its bits depend on the number of threads, and ours must not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold SciPy's BLAS (which XLA's eigensolver on CPU calls) at one thread; XLA's own threads are untouched.

    Work started inside must also be waited for inside. Process-wide while it lasts.
    """
    import scipy.linalg  # noqa: F401  (the library must be loaded before it can be limited)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
