"""Who calls: the key of a request, wherever it stands, and the page it was sent from."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request

from infra.chassis.errors import Forbidden, Unauthenticated
from services.events.control.domain import KeyKind, Principal
from services.events.control.keyring import KeyRing


async def caller_of(request: Request, keys: KeyRing) -> Principal | None:
    """Whose key stands in the header or else the address of a request; None if there is none.

    Raises Unauthenticated for a key that nobody made or nobody can read, Forbidden as `public_caller` does.
    """
    key = _key_in_header(request)
    if key is not None:
        return await keys.resolve(key)
    key = request.query_params.get("writeKey")  # what a page sends as it closes has no headers
    return None if key is None else await public_caller(key, keys)


async def public_caller(key: str, keys: KeyRing) -> Principal:
    """Whose key stands in an address, which everybody on the way keeps. Raises Forbidden for a secret key there."""
    caller = await keys.resolve(key)
    if caller.kind is KeyKind.SECRET:
        raise Forbidden("A secret key does not belong in an address. Replace it: it is none any more.")
    return caller


def check_origin(caller: Principal, request: Request) -> None:
    """Raises Forbidden for a call from a page whose origin the caller's source does not list.

    A source that lists none takes the public key from everywhere. No page should know a secret one.
    """
    origin = request.headers.get("Origin")
    if origin is None or origin in caller.origins or (not caller.origins and caller.kind is KeyKind.WRITE):
        return
    raise Forbidden(
        f"Pages of {origin} may not send with this key: list it among the origins of the source {caller.source!r}.",
        code="ORIGIN_NOT_ALLOWED",
    )


def _key_in_header(request: Request) -> str | None:
    """The user name of Basic, or a Bearer token."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError, ValueError):
            pass
    raise Unauthenticated("Give the key as `Authorization: Basic base64(key:)` or `Authorization: Bearer key`.")
