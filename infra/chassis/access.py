"""Who may call internal routes: services of this installation, for the workspace that their token names."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Forbidden, Unauthenticated

EVERY_WORKSPACE = "*"

_bearer = HTTPBearer(scheme_name="serviceToken", bearerFormat="JWT", auto_error=False)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _tokens_of_app(request: Request) -> ServiceTokens:
    tokens: ServiceTokens = request.app.state.tokens
    return tokens


class ServiceAccess:
    """The dependencies that open the routes of the service `audience`.

    Its app keeps the tokens in `state.tokens`, unless `tokens_of` has them from elsewhere.
    """

    def __init__(self, audience: str, tokens_of: Callable[[Request], ServiceTokens] = _tokens_of_app) -> None:
        # Coroutines, because FastAPI runs plain functions in a thread.
        async def service(request: Request, credentials: _Credentials) -> str:
            """The workspace, or `*`, that the service token speaks for."""
            if credentials is None:
                raise Unauthenticated("Internal calls carry a service token: `Authorization: Bearer ...`.")
            return tokens_of(request).verify(credentials.credentials, audience)

        async def one_workspace(named: Annotated[str, Depends(service)]) -> str:
            if named == EVERY_WORKSPACE:
                raise Forbidden("This call is about one workspace; the service token names none.")
            return named

        async def all_workspaces(named: Annotated[str, Depends(service)]) -> None:
            if named != EVERY_WORKSPACE:
                raise Forbidden("This call is about all workspaces; the service token names one.")

        self.service = service
        self.one_workspace = one_workspace
        self.all_workspaces = all_workspaces

    async def workspace_of(self, request: Request) -> str:
        """The one workspace that a call speaks for, where there are no dependencies. Raises as they do."""
        return await self.one_workspace(await self.service(request, await _bearer(request)))
