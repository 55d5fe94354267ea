"""The peer: CumulusCI's ``load_dataset`` loads a dataset into an org, unchanged, as its users do.

Runs in CumulusCI's own environment. The project and the org are configured here instead of in a
keychain, which wants a person at a browser. It insists on https, so its calls are sent to the
simulator's plain port: neither side pays for TLS.
"""

import argparse
import json
import logging
import os
from importlib.metadata import version

os.environ["CUMULUSCI_DISABLE_REFRESH"] = "1"  # the session is given and lasts

from cumulusci.core.config import BaseProjectConfig, OrgConfig, TaskConfig, UniversalConfig
from cumulusci.core.keychain import BaseProjectKeychain
from cumulusci.tasks.bulkdata.load import LoadData
from requests.adapters import HTTPAdapter

API_VERSION = "66.0"
NOBODY = "005000000000000AAA"  # who signed in; it does not ask


def go_plain() -> None:
    """Send https requests over http."""
    send = HTTPAdapter.send

    def plain(self, request, **arguments):  # type: ignore[no-untyped-def]
        request.url = request.url.replace("https://", "http://", 1)
        return send(self, request, **arguments)

    HTTPAdapter.send = plain


def project() -> BaseProjectConfig:
    """A project of nothing but a name and an API version."""
    made = BaseProjectConfig(
        UniversalConfig(),
        config={"project": {"name": "bench", "package": {"api_version": API_VERSION}}},
    )
    made.set_keychain(BaseProjectKeychain(made, None))
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--org", required=True, help="id of the org")
    parser.add_argument("--mapping", required=True)
    parser.add_argument("--database", required=True)
    options = parser.parse_args()
    go_plain()
    logging.basicConfig(level=logging.WARNING)
    config = project()
    org = OrgConfig(
        {
            "access_token": options.token,
            "instance_url": options.url.replace("http://", "https://", 1),
            "id": f"{options.url}/id/{options.org}/{NOBODY}",
        },
        "bench",
        config.keychain,
    )
    wanted = {
        "database_url": f"sqlite:///{options.database}",
        "mapping": options.mapping,
        "ignore_row_errors": True,
        "set_recently_viewed": False,
    }
    task = LoadData(config, TaskConfig({"options": wanted}), org)
    task()
    print(
        json.dumps({"steps": task.return_values["step_results"], "version": version("cumulusci")})
    )


if __name__ == "__main__":
    main()
