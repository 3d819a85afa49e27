"""A schema of all that resolvers may do, most of which ours do not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission

Info = strawberry.Info[Any, None]


class Keeper(BasePermission):
    message = "Keepers only."
    of_request = True

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        info.context["asked"].append("keeper")
        return bool(info.context["keeper"])


class Tame(BasePermission):
    """Depends on the animal."""

    message = "It bites."

    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return bool(source.tame)


class Slowly(BasePermission):
    async def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return True


class Undecided(BasePermission):
    def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        return "perhaps"  # type: ignore[return-value]


class Shouting(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        return str(next_(source, info, **kwargs)).upper()


@strawberry.enum
class Diet(Enum):
    LEAVES = "leaves"
    MEAT = "meat"


@strawberry.input
class Wish:
    diet: Diet = Diet.MEAT
    names: list[str] = strawberry.field(default_factory=list)


@strawberry.interface
class Animal:
    name: str
    tame: strawberry.Private[bool] = True
    diet: Diet | None = None
    weight: float | None = None

    @strawberry.field
    async def friend(self, info: Info, name: str = "owl") -> Animal | None:
        return await info.context["load"](name)  # type: ignore[no-any-return]

    @strawberry.field
    async def partner(self, info: Info) -> Animal:
        return await info.context["load"](self.name + "'s partner")  # type: ignore[no-any-return]

    @strawberry.field(permission_classes=[Tame])
    def stroke(self) -> str | None:
        return "purrs"

    @strawberry.field(permission_classes=[Keeper, Tame])
    async def feed(self, food: str = "hay") -> str:
        return f"{self.name} eats {food}"

    secret: str | None = strawberry.field(default="s", permission_classes=[Keeper])


@strawberry.type
class Lion(Animal):
    roars: int = 3


@strawberry.type
class Owl(Animal):
    nights: list[list[int | None] | None] = strawberry.field(default_factory=lambda: [[1, None], None, []])


@strawberry.type
class Rock:
    name: str = "rock"


Thing = Annotated[Lion | Rock, strawberry.union("Thing")]


def animal(name: str) -> Any:
    if name.startswith("owl"):
        return Owl(name=name, diet=Diet.MEAT, tame=name == "owl")
    if name.startswith("lion"):
        return Lion(name=name, tame=False, weight=190.5)
    if name == "gone":
        return None
    if name == "rock":
        return Rock()
    raise KeyError(name)


async def soon(name: str) -> Any:
    await asyncio.sleep(0)
    return animal(name)


@strawberry.type
class Query:
    @strawberry.field
    def animals(self, names: list[str]) -> list[Animal | None]:
        return [soon(name) if index % 2 else _or_error(name) for index, name in enumerate(names)]  # type: ignore[misc]

    @strawberry.field
    async def surely(self, names: list[str]) -> list[Animal] | None:
        return [soon(name) for name in names]  # type: ignore[misc]

    @strawberry.field
    def one(self, name: str = "owl") -> Animal | None:
        return animal(name)  # type: ignore[no-any-return]

    @strawberry.field
    def needed(self, name: str) -> Animal:
        return animal(name)  # type: ignore[no-any-return]

    @strawberry.field
    def things(self) -> list[Thing]:
        return [Rock(), Lion(name="lion")]

    @strawberry.field
    def owls(self) -> list[Owl]:
        return [Lion(name="lion"), Owl(name="owl")]  # type: ignore[list-item]

    @strawberry.field
    def lazily(self) -> list[str]:
        def names() -> Iterator[str]:
            yield "a"
            yield "b"

        return names()  # type: ignore[return-value]

    @strawberry.field
    def broken(self) -> int | None:
        return "many"  # type: ignore[return-value]

    @strawberry.field
    def single(self) -> list[int] | None:
        return 7  # type: ignore[return-value]

    @strawberry.field
    def given(self) -> str | None:
        return ValueError("as a value")  # type: ignore[return-value]

    @strawberry.field
    def later(self) -> Animal:
        return soon("owl")  # type: ignore[return-value]

    @strawberry.field
    def told(self, info: Info, wish: Wish | None = None) -> str:
        names = wish.names if wish else []
        return f"{info.field_name} {info.path.as_list()} {info.variable_values} {info.return_type} {names}"

    @strawberry.field
    @staticmethod
    def of_parent(parent: strawberry.Parent[Any], info: strawberry.Info, diet: Diet = Diet.LEAVES) -> str:
        return f"{parent} {diet} {info.python_name} {info.selected_fields[0].name}"

    @strawberry.field(permission_classes=[Undecided])
    def undecided(self) -> str | None:
        return "no"

    @strawberry.field(permission_classes=[Slowly])
    async def slow(self) -> str:
        return "slow"

    @strawberry.field(extensions=[Shouting()])
    def loud(self) -> str:
        return "loud"

    @strawberry.field
    def refuses(self) -> str:
        raise GraphQLError("Not today.", extensions={"code": "CLOSED"})


def _or_error(name: str) -> Any:
    try:
        return animal(name)
    except KeyError as error:
        return error


class ZooSchema(strawberry.Schema):
    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        pass

    @property
    def core(self) -> Any:
        return self._schema


SCHEMA = ZooSchema(Query, types=[Lion, Owl])
