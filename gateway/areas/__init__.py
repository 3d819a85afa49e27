"""The API by area. Types read like the contract; how they are fetched is in the loaders."""
