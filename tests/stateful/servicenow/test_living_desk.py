"""A ServiceNow instance lives under nightly backups by the real connector.

Nothing hidden becomes deleted, nothing visible is missed, nothing is doubled, and what the backup
user may not see is a gap.
"""

from hypothesis import settings

from stateful.servicenow.machine import LivingDesk


class TestLivingDesk(LivingDesk.TestCase):
    """A sample of lives."""


TestLivingDesk.settings = settings(max_examples=6, stateful_step_count=12)
