"""What live readers are told, page by page, for as long as they listen."""
