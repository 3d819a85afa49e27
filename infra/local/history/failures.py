"""What ends an import or an export; each message says what is wrong, where, and what to do.

Failure
|-- BadMapping     what was told on the command line, or in the mapping file
|-- KeyMissing     nothing says with which key to speak to the platform
|-- FileUnusable   the file cannot be read any further
|-- SendingFailed  the platform does not take or give it, or cannot be reached
"""

from __future__ import annotations


class Failure(Exception):
    pass


class BadMapping(Failure):
    pass


class KeyMissing(Failure):
    pass


class FileUnusable(Failure):
    pass


class SendingFailed(Failure):
    pass
