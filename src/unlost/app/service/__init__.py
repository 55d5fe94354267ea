"""The service: backs up on schedule, writes its log and serves metrics."""
