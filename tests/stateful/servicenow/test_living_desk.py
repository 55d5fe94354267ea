"""A ServiceNow instance lives under nightly backups by the real connector.

Nothing hidden becomes deleted, nothing visible is missed, nothing is doubled, and what the backup
user may not see is a gap. What people destroy comes back once.
"""

import pytest
from hypothesis import settings

from stateful.servicenow.machine import LIFE, LivingDesk
from stateful.servicenow.restoring import RESTORES, RestoredDesk

EXAMPLES = settings().max_examples
MANY = 1000


class TestLivingDesk(LivingDesk.TestCase):
    """A sample of lives."""


@pytest.mark.full
class TestRestoredDesk(RestoredDesk.TestCase):
    """A sample of lives with restores."""


@pytest.mark.deep
@pytest.mark.timeout(7200)
class TestMoreDesks(RestoredDesk.TestCase):
    """More lives; where there are many, they must together have lived through everything."""

    def runTest(self) -> None:  # noqa: N802
        RestoredDesk.lived.clear()
        super().runTest()
        never = (LIFE | RESTORES) - {deed for deed, times in RestoredDesk.lived.items() if times}
        assert not never or EXAMPLES < MANY, RestoredDesk.lived


TestLivingDesk.settings = settings(max_examples=6, stateful_step_count=12)
TestRestoredDesk.settings = settings(max_examples=4, stateful_step_count=12)
TestMoreDesks.settings = settings(
    max_examples=EXAMPLES // 3 if EXAMPLES >= MANY else 40, stateful_step_count=20
)
