"""Writing and reading the objects of a vault: segments, bundles, packs and schemas."""
