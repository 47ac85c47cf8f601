"""The `bridge` command, for people who connect tools and look after what comes in."""
