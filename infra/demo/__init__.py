"""`klantreis demo`: a shop that does not exist, whose customers come in by the front door like everybody's.

`shop`, `facts`, `customers`, `telling`, `script` and `calendar` are the simulation: pure, the same for the same seed.
"""
