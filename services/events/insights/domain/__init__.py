"""What instances add to insights, and what the sums mean.

Pure: no I/O, no clock, no randomness.
"""

from services.events.insights.domain.counts import Counts
from services.events.insights.domain.insights import Insights, meaning
from services.events.insights.domain.selection import Selection
from services.events.insights.domain.spans import Stretch
from services.events.insights.domain.tally import Cell, Part, Tally

__all__ = ["Cell", "Counts", "Insights", "Part", "Selection", "Stretch", "Tally", "meaning"]
