"""Writes docs/reference/openapi.json from the API itself: a change of the API shows in its diff.

python docs/generate_openapi.py           write the file
python docs/generate_openapi.py --check   fail if the file is not what the API says
"""

import json
import sys
from pathlib import Path

from unlost.web.serving import use_settings

use_settings()
import unlost.app.home.database  # noqa: E402, F401 (sets up Django)
from unlost.web.api.building import build  # noqa: E402

FILE = Path(__file__).parents[1] / "docs" / "reference" / "openapi.json"


def page() -> str:
    """The whole file."""
    schema = build().get_openapi_schema(path_prefix="/api/v1/")
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the file, or look whether it is up to date."""
    if "--check" not in sys.argv:
        FILE.write_text(page(), "utf-8")
        return 0
    if FILE.read_text("utf-8") != page():
        print(f"{FILE} is not what the API says: run python docs/generate_openapi.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
