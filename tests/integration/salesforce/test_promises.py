"""The connector keeps the promises of a source against a served org, whichever way it reads."""

from collections.abc import Iterator

import pytest

from unlost.model.ports.source import Source
from unlost.testing.connectors import SourceContract

pytestmark = pytest.mark.network

TABLES = (
    "Account", "AccountHistory", "Attachment", "CaseStatus", "Contact", "ContentDocumentLink",
    "ContentVersion", "FeedItem", "IdeaComment", "OpportunityLineItem", "Task", "Vote",
)  # fmt: skip


class TestByRest(SourceContract):
    """As a small org is read."""

    samples = TABLES

    @pytest.fixture
    def source(self, maker) -> Iterator[Source]:
        with maker.source(include=self.samples) as source:
            yield source


class TestByBulk(SourceContract):
    """As a large org is read: jobs of several pages."""

    samples = ("Account", "Contact", "EmailMessage", "OpportunityLineItem")

    @pytest.fixture
    def source(self, maker) -> Iterator[Source]:
        with maker.source(include=self.samples, bulk_above=0, page_rows=200) as source:
            yield source


@pytest.mark.full
class TestAsNarrowUser(SourceContract):
    """As a user without View All Data and without Query All Files reads."""

    samples = ("Account", "Contact", "ContentDocument", "ContentDocumentLink", "ContentVersion")

    @pytest.fixture
    def source(self, maker) -> Iterator[Source]:
        with maker.source(client_id="chocolate-narrow", include=self.samples) as source:
            yield source
