"""The rights of a user in a form that a backup can compare. Pure."""

import hashlib
import json


def rights_hash(rights: object) -> str:
    """A hash that changes with any of the rights: JSON values, where the order of members is free."""
    return hashlib.sha256(json.dumps(rights, sort_keys=True).encode()).hexdigest()
