"""Values of a vault: snapshots, certificates, and each kind of maintenance."""
