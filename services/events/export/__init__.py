"""Events and instances as files, for analysis and for moving: written as they are read, however many there are."""
