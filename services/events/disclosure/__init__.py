"""What a customer may be told of themself: only what somebody trusted vouches for (see domain.py)."""
