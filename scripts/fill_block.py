"""Put a file's text between ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->`` of a document.

``fill_block.py DOCUMENT NAME FILE``; the rest of the document stays as it is.
"""

import re
import sys
from pathlib import Path


def filled(document: str, name: str, text: str) -> str:
    """Return the document with the block's text replaced.

    :raises ValueError: the document has no such block, or several.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    block = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    replaced, count = block.subn(lambda _: f"{begin}\n{text.strip()}\n{end}", document)
    if count != 1:
        raise ValueError(f"{count} blocks {name!r} instead of one")
    return replaced


if __name__ == "__main__":
    path, block_name, source = sys.argv[1:]
    Path(path).write_text(filled(Path(path).read_text(), block_name, Path(source).read_text()))
