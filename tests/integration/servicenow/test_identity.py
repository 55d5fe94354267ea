"""The identity of an instance: its use decides whether restores need more care."""

import pytest

from fakes.instance import ServedInstance
from unlost.model.org import OrgKind

pytestmark = pytest.mark.network
PROPERTY = "glide.installation.production"


def kind(served: ServedInstance) -> OrgKind:
    with served.source() as source:
        return source.identity().kind


def test_a_property_shows_whether_an_instance_is_for_production(served: ServedInstance) -> None:
    assert kind(served) is OrgKind.PRODUCTION
    served.admin.post("settings", production=False)
    assert kind(served) is OrgKind.SANDBOX


@pytest.mark.parametrize("value", ["", "yes"])
def test_an_instance_that_does_not_say_it_may_be_for_production(
    served: ServedInstance, value: str
) -> None:
    row = served.rows("sys_properties", f"name={PROPERTY}")[0]["sys_id"]
    served.update("sys_properties", row, value=value)
    assert kind(served) is OrgKind.UNKNOWN
    assert kind(served).may_be_production
