"""Verifying a vault: is everything there, and is it what was written?

``quick`` looks at presence and size, and opens what it needs to know the names (manifests); it also
proves keys and ``vault.json``, which are few. ``full`` reads every byte and compares its digest with
the one in the sealed manifests. ``deep`` decrypts everything and computes again what can be computed.
What is wrong is named by the object, once: what only follows from it is not reported again.
"""

from unlost.vault.maintenance.verify.look import VerifyScope
from unlost.vault.maintenance.verify.verifier import verify_vault

__all__ = ["VerifyScope", "verify_vault"]
