"""A home of tests whose vault lies on the disk: for what is about its files."""

import vaultstory
from homes import World
from unlost.vault.keys.service_key import write_service_key
from unlost.vault.stores.local import LocalStore


def put_on_disk(world: World) -> None:
    """Give a home without orgs a vault in its folder, which its own service key opens."""
    assert world.home.vault is not None
    store = LocalStore(world.home.vault)
    story = vaultstory.found(store)
    write_service_key(story.service, world.home.service_key, store=store)
    world.vault = story.vault  # type: ignore[assignment]
    world.vault_clock, world.witness = story.clock, story.witness
    world.app = world.opened()
