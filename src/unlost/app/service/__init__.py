"""The service: backs up when it is due, writes its log and shows its metrics."""
