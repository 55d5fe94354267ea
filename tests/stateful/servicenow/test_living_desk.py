"""A ServiceNow instance lives under nightly backups by the real connector.

Nothing hidden becomes deleted, nothing visible is missed, nothing is doubled, and what the backup
user may not see is a gap.
"""

import pytest
from hypothesis import settings

from stateful.servicenow.machine import LIFE, LivingDesk

EXAMPLES = settings().max_examples
MANY = 1000


class TestLivingDesk(LivingDesk.TestCase):
    """A sample of lives."""


@pytest.mark.deep
@pytest.mark.timeout(7200)
class TestMoreLivingDesks(LivingDesk.TestCase):
    """More lives; where there are many, they must together have lived through everything."""

    def runTest(self) -> None:  # noqa: N802
        LivingDesk.lived.clear()
        super().runTest()
        never = LIFE - {deed for deed, times in LivingDesk.lived.items() if times}
        assert not never or EXAMPLES < MANY, LivingDesk.lived


TestLivingDesk.settings = settings(max_examples=6, stateful_step_count=12)
TestMoreLivingDesks.settings = settings(
    max_examples=EXAMPLES // 3 if EXAMPLES >= MANY else 40, stateful_step_count=20
)
