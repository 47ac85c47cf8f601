"""Say what a webhook means for one profile, and which values are newer."""
