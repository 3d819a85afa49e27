"""What a request holds before anybody understands it: its body inflated, the key it presents."""

from __future__ import annotations

import base64
import binascii
import zlib

from starlette.requests import ClientDisconnect, Request

from infra.chassis.errors import BadRequest, Problem, TooLarge, Unauthenticated

MAX_BODY_BYTES = 4 << 20
_DRAINED_BYTES = 64 << 20
_GZIP = 16 + zlib.MAX_WBITS


class UnsupportedEncoding(Problem):
    status = 415
    default_code = "UNSUPPORTED_ENCODING"


async def read_body(request: Request) -> bytes:
    """The body, inflated if it is compressed, whatever its content type says. Raises a Problem: 400, 413 or 415."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    sent = await _read_sent(request)
    if encoding in ("gzip", "x-gzip"):
        return _inflate(sent)
    if encoding in ("", "identity"):
        return sent
    raise UnsupportedEncoding("A body is sent as it is, or with `Content-Encoding: gzip`.")


def presented_key(request: Request) -> str | None:
    """The key in the header: the user name of Basic, or a Bearer token; None without a header.

    Raises Unauthenticated for a header of another kind.
    """
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


async def _read_sent(request: Request) -> bytes:
    """What is too large is still read to some length: a client that is sending does not hear an answer."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= MAX_BODY_BYTES:
                chunks.append(chunk)
            elif size > _DRAINED_BYTES:
                break
    except ClientDisconnect as error:
        raise BadRequest("The client left before its body was complete.", code="INCOMPLETE_BODY") from error
    if size > MAX_BODY_BYTES:
        raise _too_large()
    return b"".join(chunks)


def _inflate(sent: bytes) -> bytes:
    """Never more than one byte past the limit, whatever the compressed bytes promise."""
    inflater = zlib.decompressobj(_GZIP)
    try:
        body = inflater.decompress(sent, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise _malformed_gzip() from error
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    if not inflater.eof or inflater.unused_data:
        raise _malformed_gzip()
    return body


def _too_large() -> TooLarge:
    return TooLarge(f"A body may hold {MAX_BODY_BYTES:,} bytes, after inflation. Nothing was stored.")


def _malformed_gzip() -> BadRequest:
    return BadRequest("The body is not one whole gzip stream.", code="MALFORMED_GZIP")
