"""One first backup of one table by Unlost, from Salesforce's wire to the committed snapshot.

Prints what was read as JSON; ``measure`` reads what it cost. The home must have been made before,
so that the figure has no set-up in it.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from unlost.app.actions.backups.backup import backup
from unlost.app.compose import open_application
from unlost.app.home.home import Home
from unlost.app.home.system import SystemClock
from unlost.catalog.orgs.orgs import get_org, save_org
from unlost.model.ports.system import Clock, Entropy
from unlost.model.ports.vault import Vault


class WithoutSearch:
    """Opens the vault with or without search."""

    def __init__(self, *, search: bool) -> None:
        self.search = search

    def __call__(self, home: Home, clock: Clock, entropy: Entropy) -> Vault:
        from unlost.catalog.vault.witness import SqlWitness
        from unlost.vault.keys.opening import open_keyring
        from unlost.vault.keys.unlock import ByServiceKeyFile
        from unlost.vault.stores.local import LocalStore
        from unlost.vault.vault import VaultOptions, open_vault

        store = LocalStore(home.vault)
        keys = open_keyring(store, ByServiceKeyFile(home.service_key), entropy=entropy)
        return open_vault(
            store,
            keys=keys,
            clock=clock,
            entropy=entropy,
            witness=SqlWitness(),
            options=VaultOptions(search=self.search),
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--gzip", action="store_true")
    options = parser.parse_args()
    opener = WithoutSearch(search=options.search)
    with open_application(options.home, clock=SystemClock(), vault=opener) as app:
        org = get_org("bench")
        config = {
            **org.config,
            "include": [options.table],
            "bulk_above": 0,
            "compress": options.gzip,
        }
        save_org(replace(org, config=config))
        done = backup(app, "bench")
    print(json.dumps({"rows": done.rows_seen, "bytes": done.bytes_added, "head": done.head}))


if __name__ == "__main__":
    main()
