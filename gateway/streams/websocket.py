"""GraphQL over WebSocket by the protocol graphql-transport-ws.

Strawberry's own handler has one context for a connection, tells of errors as they are and breaks on messages of the
wrong shape; here an operation is one like any other: prepared, limited, its errors masked, its answers shared.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any

import msgspec
from graphql import OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.errors import traced
from gateway.keys import Keys
from gateway.operations import Asked, Operations, Refused
from gateway.streams.http import Streaming
from gateway.streams.session import Session
from infra.chassis.errors import Problem, Unauthenticated, Unavailable

SUBPROTOCOL = "graphql-transport-ws"

_MOST_OPERATIONS = 100
_LONGEST_MESSAGE = 1_024 * 1_024  # characters
_SEND_SECONDS = 30.0
_CLOSE_SECONDS = 1.0
_LONGEST_REASON = 123  # bytes, as the protocol of WebSockets wants it

_TRY_AGAIN_LATER, _TOO_BIG = 1013, 1009
_INVALID, _UNAUTHORIZED, _FORBIDDEN, _SUBPROTOCOL_NOT_ACCEPTABLE = 4400, 4401, 4403, 4406
_INIT_TIMEOUT, _ALREADY_EXISTS, _TOO_MANY_INITS = 4408, 4409, 4429


class Message(msgspec.Struct, tag_field="type"):
    pass


class ConnectionInit(Message, tag="connection_init"):
    payload: dict[str, Any] | None = None


class Ping(Message, tag="ping"):
    pass


class Pong(Message, tag="pong"):
    pass


class Subscribe(Message, tag="subscribe"):
    id: str
    payload: Asked


class Complete(Message, tag="complete"):
    id: str


FromClient = ConnectionInit | Ping | Pong | Subscribe | Complete
_decode: Callable[[str], FromClient] = msgspec.json.Decoder(FromClient).decode


class Closed(Exception):
    """The connection must be closed, or is."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """One client, until either side has had enough; nothing of it is left afterwards."""

    def __init__(self, websocket: WebSocket, operations: Operations, keys: Keys, streaming: Streaming) -> None:
        self._websocket = websocket
        self._operations = operations
        self._keys = keys
        self._streaming = streaming
        self._session: Session | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._patience = asyncio.timeout(streaming.init_seconds)

    async def serve(self) -> None:
        try:
            if SUBPROTOCOL not in self._websocket.scope["subprotocols"]:
                await self._websocket.accept()
                raise Closed(_SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
            await self._websocket.accept(SUBPROTOCOL)
            await self._listen()
        except Closed as closed:
            await self._close(closed)
        except (WebSocketDisconnect, TimeoutError):
            pass
        finally:
            await self._leave()

    async def _listen(self) -> None:
        try:
            async with self._patience:
                while True:
                    message = await self._receive()
                    if isinstance(message, ConnectionInit):
                        self._patience.reschedule(None)
                    await self._handle(message)
        except TimeoutError:
            if self._session is None:
                raise Closed(_INIT_TIMEOUT, "Connection initialisation timeout") from None
            raise

    async def _receive(self) -> FromClient:
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        text = received.get("text")
        if text is None:
            raise Closed(_INVALID, "Messages are text.")
        if len(text) > _LONGEST_MESSAGE:
            raise Closed(_TOO_BIG, f"A message may have at most {_LONGEST_MESSAGE:,} characters.")
        try:
            return _decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
            raise Closed(_INVALID, f"Invalid message: {error}") from error

    async def _handle(self, message: FromClient) -> None:
        match message:
            case ConnectionInit():
                await self._init(message)
            case Ping():
                await self._send('{"type":"pong"}')
            case Subscribe():
                await self._subscribe(message)
            case Complete():
                task = self._running.pop(message.id, None)
                if task is not None:
                    task.cancel()

    async def _init(self, message: ConnectionInit) -> None:
        if self._session is not None:
            raise Closed(_TOO_MANY_INITS, "Too many initialisation requests")
        given = {name.lower(): value for name, value in (message.payload or {}).items()}
        authorization = given.get("authorization")
        try:
            principal = await self._keys.principal(authorization if isinstance(authorization, str) else None)
        except Problem as problem:
            raise _closing(problem) from problem
        session = Session(self._keys, authorization, principal, self._streaming.key_look_seconds)
        self._session = session
        self._begin(self._watch(session))
        await self._send('{"type":"connection_ack"}')

    async def _watch(self, session: Session) -> None:
        """When the key is no longer good, its subscriptions say so; then it is enough."""
        await session.watch()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=_SEND_SECONDS)
        await self._close(Closed(_FORBIDDEN, "The key is no longer good"))

    async def _subscribe(self, message: Subscribe) -> None:
        if self._session is None:
            raise Closed(_UNAUTHORIZED, "Unauthorized")
        if message.id in self._running:
            raise Closed(_ALREADY_EXISTS, f"Subscriber for {message.id} already exists")
        if len(self._running) >= _MOST_OPERATIONS:
            extensions = {"code": "LIMIT_EXCEEDED", "limit": "operations", "allowed": _MOST_OPERATIONS}
            text = f"A connection may have {_MOST_OPERATIONS} operations at a time."
            await self._send(_message("error", _json(message.id), _errors(text, extensions)))
            return
        self._running[message.id] = self._begin(self._run(message, self._session))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, message: Subscribe, session: Session) -> None:
        """One operation to its end. Whatever ends it, the client hears of it, or is not there any more."""
        id = _json(message.id)
        try:
            try:
                await self._answer(id, message.payload, session)
                last = f'{{"type":"complete","id":{id}}}'
            except Refused as refused:
                last = _message("error", id, _json(refused.errors))
            except Problem as problem:
                last = _message("error", id, _errors(problem.message, {"code": problem.code}))
            if self._running.get(message.id) is asyncio.current_task():
                del self._running[message.id]  # before the client may use the id again
                await self._send(last)
        except TimeoutError:  # it takes nothing any more
            self._patience.reschedule(asyncio.get_running_loop().time())
        except (WebSocketDisconnect, RuntimeError):  # it has gone, or the connection was closed
            pass

    async def _answer(self, id: str, asked: Asked, session: Session) -> None:
        operation = self._operations.prepare(asked)
        if operation.kind is OperationType.SUBSCRIPTION:
            async with aclosing(self._operations.subscribe(operation, session)) as answers:
                async for text in answers:
                    await self._send(_message("next", id, text))
        else:
            answer, _context = await self._operations.execute(operation, session.principal, None)
            await self._send(_message("next", id, _json(answer)))

    async def _send(self, text: str) -> None:
        async with asyncio.timeout(_SEND_SECONDS):
            await self._websocket.send_text(text)

    async def _close(self, closed: Closed) -> None:
        reason = closed.reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._websocket.close(closed.code, reason)

    async def _leave(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _closing(problem: Problem) -> Closed:
    if isinstance(problem, Unauthenticated):
        return Closed(_UNAUTHORIZED, f"UNAUTHENTICATED: {problem.message}")
    if isinstance(problem, Unavailable):
        return Closed(_TRY_AGAIN_LATER, f"{problem.code}: {problem.message}")
    return Closed(_FORBIDDEN, f"{problem.code}: {problem.message}")


def _errors(message: str, extensions: dict[str, Any]) -> str:
    return _json(traced([{"message": message, "extensions": extensions}]))


def _message(type: str, id: str, payload: str) -> str:
    return f'{{"id":{id},"type":"{type}","payload":{payload}}}'


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
