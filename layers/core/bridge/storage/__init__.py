"""Keep webhooks, profiles, links, connections and secrets in AWS."""
