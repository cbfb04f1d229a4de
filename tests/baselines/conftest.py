"""Oracles and small problems under one BLAS thread: on few cores more of them only wait for each other."""

from __future__ import annotations

import pytest

from cleora_jax._blas import one_blas_thread


@pytest.fixture(autouse=True)
def _one_thread():
    with one_blas_thread():
        yield
