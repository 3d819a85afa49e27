"""Domain-free mechanics that every process shares: databases, migrations, errors, HTTP, tokens, clock, logs."""
