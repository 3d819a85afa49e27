"""What histories mean: the fold of one customer's events into instances of one journey. Pure."""

from services.events.live.domain.archive import NOTHING, Archive, Archived, Portion
from services.events.live.domain.checkpoints import is_checkpoint, may_be_checkpoint
from services.events.live.domain.compile import compile_version
from services.events.live.domain.fold import History, fold
from services.events.live.domain.instance import Direction, DropOff, Folded, Instance, Step, Untaken, Why
from services.events.live.domain.model import JourneyVersion, Reentry, Schedule
from services.events.live.domain.state import EMPTY, HistoryState, RunState, Start, alike
from services.events.live.domain.status import Status
from services.events.live.domain.trail import BEFORE_START, Trail

__all__ = [
    "BEFORE_START",
    "EMPTY",
    "NOTHING",
    "Archive",
    "Archived",
    "Direction",
    "DropOff",
    "Folded",
    "History",
    "HistoryState",
    "Instance",
    "JourneyVersion",
    "Portion",
    "Reentry",
    "RunState",
    "Schedule",
    "Start",
    "Status",
    "Step",
    "Trail",
    "Untaken",
    "Why",
    "alike",
    "compile_version",
    "fold",
    "is_checkpoint",
    "may_be_checkpoint",
]
