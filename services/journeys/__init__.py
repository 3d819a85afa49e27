"""The maps the workspace believes in: journey models, their drafts, and the versions published from them."""
