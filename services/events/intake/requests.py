"""The body and the address of a request, before anybody understands them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request

from infra.chassis.errors import BadRequest, Problem, TooLarge
from services.events.intake.domain.values import find_flaw

MAX_BODY_BYTES = 4 << 20
_DRAINED_BYTES = 64 << 20
_GZIP = 16 + zlib.MAX_WBITS


class UnsupportedEncoding(Problem):
    status = 415
    default_code = "UNSUPPORTED_ENCODING"


def parameter(query: Mapping[str, str], name: str) -> str | None:
    """What an address says, None if it does not. Raises BadRequest for a text that cannot be kept, such as U+0000."""
    value = query.get(name)
    if flaw := find_flaw(value):
        raise BadRequest(f"`{name}`: {flaw.message}", code=flaw.code)
    return value


def inflated(request: Request, sent: bytes) -> bytes:
    """The body, inflated if it is compressed, whatever its content type says. Raises a Problem: 400, 413 or 415."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return _inflate(sent)
    if encoding in ("", "identity"):
        return sent
    raise UnsupportedEncoding("A body is sent as it is, or with `Content-Encoding: gzip`.")


async def read_sent(request: Request) -> bytes:
    """The body as it came. Raises a Problem: 400, 408 or 413.

    What is too large is still read to some length: a client that is sending does not hear an answer.
    """
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
