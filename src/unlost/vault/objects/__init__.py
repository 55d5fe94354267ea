"""Objects of a vault as they are written and read: segments, bundles, packs and schemas."""
