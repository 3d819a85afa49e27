"""Who the workspace thinks its customers are: personas, their drafts, and the versions published from them."""
