"""ACLs that every instance has: evidence and descriptions are not written through REST."""

from __future__ import annotations

from unlost_simulators.servicenow.access.acls import Acl, Operation
from unlost_simulators.servicenow.model.platform import ACL, AUDIT, DELETIONS, DESCRIPTIONS, JOURNAL

NOBODY = frozenset({"nobody"})
ADMINS = frozenset({"admin"})
_CLOSED = (AUDIT, DELETIONS, JOURNAL, *(table.name for table in DESCRIPTIONS))
_WRITING = (Operation.CREATE, Operation.WRITE, Operation.DELETE)
DEFAULTS = (
    *(
        Acl(table, operation, roles=NOBODY, admin_overrides=False)
        for table in _CLOSED
        for operation in _WRITING
    ),
    # That admins alone read them is an inference.
    Acl(DELETIONS, Operation.READ, roles=ADMINS),
    Acl(ACL, Operation.READ, roles=ADMINS),
)
