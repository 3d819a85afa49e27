"""`credentials.json`: where the first keys of an installation can be read back."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from infra.chassis.errors import Problem


class Credentials(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    admin_key: str
    write_key: str
    workspace: str


class CredentialsUnreadable(Problem):
    """The file is there, but it does not hold what Klantreis writes into it."""

    default_code = "CREDENTIALS_UNREADABLE"


def read_credentials(file: Path) -> Credentials | None:
    """None when there is no such file. Raises CredentialsUnreadable rather than ever replacing one."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Credentials)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CredentialsUnreadable(f"{file} cannot be read as credentials ({error}); move it away.") from error


def write_credentials(file: Path, credentials: Credentials) -> None:
    """Whole or not at all, readable by its owner only from the first moment. Raises FileExistsError if there is one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # of mode 600 by definition
    try:
        with os.fdopen(descriptor, "wb") as output:
            output.write(msgspec.json.format(msgspec.json.encode(credentials)) + b"\n")
            output.flush()
            os.fsync(output.fileno())
        os.link(temporary, file)  # unlike a rename this never replaces
    finally:
        Path(temporary).unlink()
