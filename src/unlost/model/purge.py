"""The names of the policies of purges. A purge is an archive; people cannot give a policy these names."""

from unlost.model.errors import UsageError

SELECTED, MAIL_LOOP = PURGES = ("selected-records", "mail-loop")


def names_purge(policy: str) -> bool:
    """True for the name of a purge's policy."""
    return policy in PURGES


def check_not_reserved(name: str) -> None:
    """Raise UsageError (``archive-policy-reserved``) for the name of a purge."""
    if names_purge(name):
        raise UsageError(
            "archive-policy-reserved",
            "The name {name} is reserved: a purge uses it.",
            next_step="Choose another name for the policy, for example old-cases.",
            name=name,
        )
