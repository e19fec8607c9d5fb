"""Executes one notebook in its kernel and tells how it goes, as JSON lines.

Started by report.ts, which reads the lines and prints what a person needs:

    {"event": "start", "cells": 12}
    {"event": "cell", "cell": 3, "of": 12}            a code cell begins
    {"event": "cell_done", "cell": 3, "seconds": 0.4}
    {"event": "error", "cell": 4, "name": "Error", "message": "..."}
    {"event": "done", "seconds": 12.3}

The executed notebook is written to OUTPUT also when a cell fails, and a
fragment of HTML beside it (OUTPUT with .html) when none does. It leaves out
which notebooks there are, and what a page around the fragment looks like.
"""

import base64
import copy
import html
import json
import re
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

COLORS = re.compile(r"\x1b\[[0-9;]*m")


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class TellingClient(NotebookClient):
    """Says when a code cell begins and ends; cells are counted from 1."""

    async def async_execute_cell(self, cell, cell_index, *args, **kwargs):
        if cell.cell_type != "code" or not cell.source.strip():
            return await super().async_execute_cell(
                cell, cell_index, *args, **kwargs
            )
        self.code_cell = getattr(self, "code_cell", 0) + 1
        code_cells = [c for c in self.nb.cells
                      if c.cell_type == "code" and c.source.strip()]
        tell("cell", cell=self.code_cell, of=len(code_cells))
        started = time.time()
        result = await super().async_execute_cell(
            cell, cell_index, *args, **kwargs
        )
        tell("cell_done", cell=self.code_cell,
             seconds=round(time.time() - started, 3))
        return result


def with_images(notebook):
    """A copy with each SVG as an image: nbconvert takes pictures out of them."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            svg = data.pop("image/svg+xml", None)
            if svg is None:
                continue
            code = base64.b64encode(svg.encode()).decode()
            words = html.escape(data.get("text/plain", ""), quote=True)
            data["text/html"] = (
                f'<img alt="{words}" src="data:image/svg+xml;base64,{code}">'
            )
    return notebook


def write_html(notebook, path):
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="basic")
    body, _ = exporter.from_notebook_node(with_images(notebook))
    with open(path, "w", encoding="utf-8") as file:
        file.write(body)


def main(source, output, folder):
    notebook = nbformat.read(source, as_version=4)
    started = time.time()
    client = TellingClient(
        notebook,
        timeout=None,
        kernel_name="deno",
        resources={"metadata": {"path": folder}},
    )
    tell("start", cells=len(notebook.cells))
    failed = False
    try:
        client.execute()
    except CellExecutionError as error:
        failed = True
        tell("error", cell=getattr(client, "code_cell", 0), name=error.ename,
             message=COLORS.sub("", str(error.evalue)))
    except DeadKernelError as error:
        failed = True
        tell("error", cell=getattr(client, "code_cell", 0),
             name="DeadKernelError", message=str(error))
    nbformat.write(notebook, output)
    if failed:
        return 1
    write_html(notebook, output + ".html")
    tell("done", seconds=round(time.time() - started, 3))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
