import pytest

from faults.engine.story import story
from unit.engine.scene import Scene


@pytest.fixture(scope="session")
def before_night(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The story, to be copied."""
    return story(tmp_path_factory.mktemp("story"))
