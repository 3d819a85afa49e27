"""Everything that shows the platform does what it promises; the folders mirror the code."""
