"""The closed sets of words that frontends and services share; a member's value is its public spelling."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum
class Language(Enum):
    EN = "EN"
    NL = "NL"


@strawberry.enum
class ModelStatus(Enum):
    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    RETIRED = "RETIRED"


@strawberry.enum
class InstanceStatus(Enum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    ABANDONED = "ABANDONED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"


@strawberry.enum
class Direction(Enum):
    START = "START"
    FORWARD = "FORWARD"
    STAY = "STAY"
    BACK = "BACK"
    SKIP = "SKIP"
    REENTER = "REENTER"


@strawberry.enum
class Reentry(Enum):
    ALWAYS = "ALWAYS"
    AFTER_END = "AFTER_END"
    NEVER = "NEVER"


@strawberry.enum(description="The evidence ladder, weakest first.")
class Rung(Enum):
    ASSUMPTION = "ASSUMPTION"
    STAFF_BRAINSTORM = "STAFF_BRAINSTORM"
    CUSTOMER_WORKSHOP = "CUSTOMER_WORKSHOP"
    CUSTOMER_DRAWN = "CUSTOMER_DRAWN"
    RESEARCH = "RESEARCH"


@strawberry.enum
class DropOffReason(Enum):
    EXTRA_COST = "EXTRA_COST"
    PAYMENT_OPTIONS = "PAYMENT_OPTIONS"
    DELIVERY_TIME = "DELIVERY_TIME"
    PAUSED = "PAUSED"
    NEW_CIRCUMSTANCES = "NEW_CIRCUMSTANCES"
    UNCLEAR_INFORMATION = "UNCLEAR_INFORMATION"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


@strawberry.enum(description="What customers move between, beside touchpoints.")
class HopDimension(Enum):
    CHANNEL = "CHANNEL"
    DEVICE = "DEVICE"
    SOURCE = "SOURCE"


@strawberry.enum
class Trust(Enum):
    CLAIMED = "CLAIMED"
    VERIFIED = "VERIFIED"


@strawberry.enum
class EventStatus(Enum):
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
