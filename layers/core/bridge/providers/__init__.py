"""Ask the providers of webhooks what they left out, and what happened."""
