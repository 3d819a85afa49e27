"""Who may call internal routes: services of this installation, for the workspace that their token names."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from infra.chassis.auth import ServiceTokens
from infra.chassis.errors import Forbidden, Unauthenticated

EVERY_WORKSPACE = "*"

_bearer = HTTPBearer(scheme_name="serviceToken", bearerFormat="JWT", auto_error=False)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class ServiceAccess:
    """The dependencies that open the routes of the service `audience`; its app keeps the tokens in `state.tokens`."""

    def __init__(self, audience: str) -> None:
        def service(request: Request, credentials: _Credentials) -> str:
            """The workspace, or `*`, that the service token speaks for."""
            if credentials is None:
                raise Unauthenticated("Internal calls carry a service token: `Authorization: Bearer ...`.")
            tokens: ServiceTokens = request.app.state.tokens
            return tokens.verify(credentials.credentials, audience)

        def one_workspace(named: Annotated[str, Depends(service)]) -> str:
            if named == EVERY_WORKSPACE:
                raise Forbidden("This call is about one workspace; the service token names none.")
            return named

        def all_workspaces(named: Annotated[str, Depends(service)]) -> None:
            if named != EVERY_WORKSPACE:
                raise Forbidden("This call is about all workspaces; the service token names one.")

        self.service = service
        self.one_workspace = one_workspace
        self.all_workspaces = all_workspaces
