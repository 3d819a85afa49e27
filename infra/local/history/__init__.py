"""`klantreis import` and `klantreis export`: files on one side, a running platform on the other."""
