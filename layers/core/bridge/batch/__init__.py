"""Call Batch, within its limits and types."""
