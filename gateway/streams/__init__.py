"""Subscriptions: from the feeds of upstreams to every subscriber, over all transports."""
