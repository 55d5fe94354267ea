"""The promises of a store, kept in containers of Azurite, Microsoft's stand-in for Azure Blob Storage."""

from collections.abc import Iterator

import pytest

from services.promises import BucketPromises
from services.servers import Server, azurite

pytestmark = [pytest.mark.services, pytest.mark.network]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


class TestAzurite(BucketPromises):
    @pytest.fixture
    def server(self, running: Server) -> Server:
        return running
