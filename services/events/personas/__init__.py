"""Who customers are thought to be: the published persona whose rule holds of what is known of them."""
