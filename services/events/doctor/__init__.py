"""Whether what is stored is what the log means: histories folded anew and compared, counters added up anew."""

from __future__ import annotations

from services.events.doctor.examining import Examined, Options, Part, Watch, examine

__all__ = ["Examined", "Options", "Part", "Watch", "examine"]
