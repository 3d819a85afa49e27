"""The internal routes that read customers."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Depends

from infra.chassis.http import JSONResponse
from infra.chassis.service import ServiceRouter
from services.events.access import WorkspaceOf
from services.events.identity.assertions import LedgerQueries
from services.events.identity.domain import ProfileId
from services.events.identity.filter import QueryBody, wanted
from services.events.identity.queries import CustomerQueries
from services.events.identity.schemas import (
    CustomerDocument,
    Customers,
    CustomersBody,
    FindBody,
    Ledgers,
    LedgersBody,
    Profiles,
    customer_document,
    ledger_documents,
)
from services.events.paging import Page


def router(customers: CustomerQueries, ledgers: LedgerQueries, workspace_of: WorkspaceOf) -> ServiceRouter:
    routes = ServiceRouter(prefix="/internal/customers", tags=["customers"])

    @routes.post("/find")
    async def find_customers(body: FindBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Customers]:
        """The customers that identifiers name, in the order asked, null for who is not known."""
        asked = [(identifier.type, identifier.value) for identifier in body.identifiers]
        return await _answer(workspace, await customers.find(workspace, asked))

    @routes.post("/read")
    async def read_customers(body: CustomersBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Customers]:
        """Customers by id, in the order asked. An id from before a merge gives the customer that survived."""
        return await _answer(workspace, await customers.by_ids(workspace, body.ids))

    @routes.post("/query")
    async def query_customers(
        body: QueryBody, workspace: str = Depends(workspace_of)
    ) -> JSONResponse[Page[CustomerDocument]]:
        """A page of the customers that a filter lets pass, who was seen last comes first."""
        named = body.where.identifier
        [found] = await customers.find(workspace, [(named.type, named.value)]) if named is not None else [None]
        listed = await customers.page(workspace, wanted(body.where, found), body.first, body.after)
        return JSONResponse(listed.of([customer_document(row) for row in listed.items]))

    @routes.post("/ledgers")
    async def read_ledgers(body: LedgersBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Ledgers]:
        """What events assert about each customer's identifiers, oldest first; null for a customer who is not known."""
        asked = await customers.by_ids(workspace, body.customers)
        found = await ledgers.of_customers(workspace, {customer for customer in asked if customer is not None})
        entries = {
            customer: ledger_documents(body, ledger.assertions, ledger.known) for customer, ledger in found.items()
        }
        return JSONResponse({"ledgers": [None if customer is None else entries[customer] for customer in asked]})

    @routes.post("/profiles")
    async def read_profiles(body: FindBody, workspace: str = Depends(workspace_of)) -> JSONResponse[Profiles]:
        """For each identifier the ids under which feeds may speak of its customer, whether or not there is one yet."""
        asked = [(identifier.type, identifier.value) for identifier in body.identifiers]
        found = await customers.candidates(workspace, asked)
        return JSONResponse({"profiles": [[profile.hex() for profile in some] for some in found]})

    async def _answer(workspace: str, asked: Sequence[ProfileId | None]) -> JSONResponse[Customers]:
        rows = await customers.read(workspace, {customer for customer in asked if customer is not None})
        documents = {customer: customer_document(row) for customer, row in rows.items()}
        return JSONResponse(
            {"customers": [None if customer is None else documents.get(customer) for customer in asked]}
        )

    return routes
