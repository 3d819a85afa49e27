"""What the gateway is measured against, and the upstream that all of them have."""
