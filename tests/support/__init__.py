"""What several rooms of tests lean on."""
