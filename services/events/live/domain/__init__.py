"""What histories mean: the fold of one customer's events into instances of one journey. Pure."""

from services.events.live.domain.compile import compile_version
from services.events.live.domain.fold import fold
from services.events.live.domain.instance import Direction, DropOff, Folded, Instance, Status, Step, Untaken, Why
from services.events.live.domain.model import JourneyVersion, Reentry, Schedule

__all__ = [
    "Direction",
    "DropOff",
    "Folded",
    "Instance",
    "JourneyVersion",
    "Reentry",
    "Schedule",
    "Status",
    "Step",
    "Untaken",
    "Why",
    "compile_version",
    "fold",
]
