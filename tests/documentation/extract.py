"""What can be run in a document: extract.py DOCUMENT FOLDER.

The blocks in `sh` of each second-level section become FOLDER/NN-its-name.sh, to be run by one bash in their order. A
block whose fence names a file ("```python seal.py") becomes FOLDER/that file. Blocks in what is no program are there to be
read. Any other block, and one in `sh` that no test can run, stands below a paragraph that begins with "Not run here:" and
says why; what is neither is an error.
"""

import pathlib
import re
import sys

READ = {"", "text", "console", "toml", "json", "ini"}
REASON = "Not run here: "


def blocks(text):
    """Section, language, file name, contents of each block, and whether it is not run."""
    section, before, previous, found = "00", "", "", None
    number = 0
    for line in text.splitlines(keepends=True):
        fence = re.match(r"```(\w*) *(\S*)\s*$", line)
        if found is None and fence:
            found = (fence[1], fence[2], [])
        elif found is not None and line.rstrip() == "```":
            language, file, lines = found
            yield section, language, file, "".join(lines), before.startswith(REASON)
            found = None
        elif found is not None:
            found[2].append(line)
        elif line.startswith("## "):
            number += 1
            slug = re.sub(r"[^a-z0-9]+", "-", line[3:].lower()).strip("-")
            section, before = f"{number:02}-{slug}", ""
        elif line.strip():
            before = before + line if previous.strip() else line
        previous = line


def main(document, folder):
    folder = pathlib.Path(folder)
    scripts = {}
    for section, language, file, contents, not_run in blocks(pathlib.Path(document).read_text()):
        if not_run:
            continue
        if file:
            (folder / file).write_text(contents)
        elif language == "sh":
            scripts[section] = scripts.get(section, "") + contents
        elif language not in READ:
            sys.exit(f'{document}: a block in "{language}" is neither run nor below "{REASON}…":\n{contents}')
    for section, contents in scripts.items():
        (folder / f"{section}.sh").write_text(contents)


main(*sys.argv[1:])
