"""The services as the gateway sees them: one typed method per internal route, tolerant of what it does not know."""
