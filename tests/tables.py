# SPDX-License-Identifier: GPL-2.0-only
"""Tables in Markdown, and documents of which a part is made by a program."""


def table(title, heads, rows):
    """Lines of a table; a row is its name and its cells."""
    yield f"| {title} | {' | '.join(heads)} |"
    yield f"| --- |{' --- |' * len(heads)}"
    for name, cells in rows:
        yield f"| {name} | {' | '.join(cells)} |"


def put(file, marks, made):
    """Replaces what is between the two marks, a line each."""
    begin, end = marks
    head, _, rest = file.read_text().partition(begin)
    file.write_text(f"{head}{begin}\n{made}\n{end}{rest.partition(end)[2]}")
