"""The peer: PySNC, ServiceNow's own client, reads incidents and the bytes of their attachments.

It looks at each record and throws it away. What makes it leaner is set: the same columns, stored
values alone, pages of the same size, and records that are not kept. It insists on https, so an
adapter sends its calls to the simulator's plain port: neither side pays for TLS.
"""

import argparse
import json
from importlib.metadata import version

from pysnc import ServiceNowClient
from requests.adapters import HTTPAdapter


class PlainAdapter(HTTPAdapter):
    """Sends https requests over http."""

    def send(self, request, **arguments):  # type: ignore[no-untyped-def]
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **arguments)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("url", "user", "password", "table", "columns"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--page", type=int, required=True)
    options = parser.parse_args()
    url = options.url.replace("http://", "https://", 1)
    client = ServiceNowClient(url, (options.user, options.password))
    client.session.mount(url, PlainAdapter())
    records = client.GlideRecord(options.table, batch_size=options.page, rewindable=False)
    records.fields = options.columns.split(",")
    records.display_value = False
    records.query()
    rows = sum(1 for _ in records)
    attachments = client.Attachment(options.table)
    attachments.query()
    sizes = [len(each.read()) for each in attachments]
    print(
        json.dumps(
            {"rows": rows, "files": len(sizes), "bytes": sum(sizes), "version": version("pysnc")}
        )
    )


if __name__ == "__main__":
    main()
