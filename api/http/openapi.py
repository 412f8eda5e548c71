"""`python -m api.http.openapi > docs/openapi.json`: the description of the interface, as it is committed."""

from __future__ import annotations

import json
import sys

from api.http.app import create_app


def description() -> str:
    """The OpenAPI document as text."""
    return json.dumps(create_app().openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(description())
