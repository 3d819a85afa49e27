"""Documents that people draft together and publish in versions: what all services that keep such documents share.

A document is known by its key. Its draft is replaced as a whole under optimistic revisions; publishing copies the draft
into a version, which never changes again.
"""
