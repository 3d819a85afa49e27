"""The all-in-one process: every service, the gateway and the projector on one port, nothing else to install."""
