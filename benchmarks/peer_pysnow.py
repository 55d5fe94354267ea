"""The peer: pysnow reads incidents and the bytes of their attachments, and throws them away.

It reads no further pages and no bytes of attachments; a loop asks for the pages, and its session for
the bytes.
"""

import argparse
import json
from collections.abc import Iterator
from importlib.metadata import version
from urllib.parse import urlsplit

from pysnow import Client

FILES_PER_PAGE = 1_000  # the default of the Attachment API


def pages(client: Client, path: str, query: str, page: int, columns: str = "") -> Iterator[list]:
    """All pages of a resource."""
    resource = client.resource(api_path=path)
    resource.parameters.exclude_reference_link = True
    offset = 0
    while True:
        answer = resource.get(
            query=query, limit=page, offset=offset, fields=columns.split(",") if columns else []
        )
        rows = answer.all()
        yield rows
        if len(rows) < page:
            return
        offset += page


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("url", "user", "password", "table", "columns"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--page", type=int, required=True)
    options = parser.parse_args()
    client = Client(
        host=urlsplit(options.url).netloc, user=options.user, password=options.password,
        use_ssl=False,
    )  # fmt: skip
    order = "ORDERBYsys_id"
    rows = sum(
        len(each)
        for each in pages(client, f"/table/{options.table}", order, options.page, options.columns)
    )
    listed = f"table_name={options.table}^{order}"
    files = size = 0
    for each in pages(client, "/attachment", listed, FILES_PER_PAGE):
        for file in each:
            answer = client.session.get(
                f"{client.base_url}/api/now/attachment/{file['sys_id']}/file"
            )
            answer.raise_for_status()
            files, size = files + 1, size + len(answer.content)
    print(json.dumps({"rows": rows, "files": files, "bytes": size, "version": version("pysnow")}))


if __name__ == "__main__":
    main()
