"""Maps to begin with, as data: one file a template, with its texts side by side in every language.

What templates share stands once: the rules of a shop's journey in `shop.toml`, contact moments with the rule that
recognises each in `touchpoints.toml`, instruments in `means.toml`. Rules and keys have no language, so maps of one
template differ in texts only.
"""

from services.journeys.templates.catalogue import Language, Template, templates

__all__ = ["Language", "Template", "templates"]
