"""What tests of PyTorch's readers ask for."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import torch


@pytest.fixture
def doubles() -> Generator[None]:
    """Have PyTorch make numbers in double precision, as what is compared is computed in."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)
