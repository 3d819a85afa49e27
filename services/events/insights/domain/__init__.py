"""What instances add to insights, and what the sums mean.

Pure: no I/O, no clock, no randomness.
"""

from services.events.insights.domain.counts import Counts
from services.events.insights.domain.insights import Insights, meaning
from services.events.insights.domain.selection import Selection
from services.events.insights.domain.tally import DAY, Cell, Part, Tally

__all__ = ["DAY", "Cell", "Counts", "Insights", "Part", "Selection", "Tally", "meaning"]
