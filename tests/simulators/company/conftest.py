"""The company at scale 1."""

import pytest

from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.world import Company


@pytest.fixture(scope="session")
def company() -> Company[CompanySizes]:
    return Company(1, CompanySizes())
