"""What was published of instances: the record that subscribers read."""
