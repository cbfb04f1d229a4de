"""For mkdocstrings: an `Example:` section of a docstring is shown as code, as an `Examples:` section is."""

import re

from griffe import Extension, Object


class ExampleSections(Extension):
    """Renames the section while objects are collected."""

    def on_object(self, *, obj: Object, **_: object) -> None:
        """Called for every module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
