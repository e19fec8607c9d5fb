"""Executes one notebook in its kernel and prints its progress as JSON lines.

Started by run_notebook.ts, which reads the lines:

    {"event": "kernel", "pid": 4711}                  the kernel's process
    {"event": "start", "cells": 12}
    {"event": "cell", "cell": 3, "of": 12}            a code cell begins
    {"event": "cell_done", "cell": 3, "seconds": 0.4}
    {"event": "error", "cell": 4, "name": "Error", "message": "..."}
    {"event": "done", "seconds": 12.3}

The executed notebook is written to OUTPUT even if a cell fails, and a
fragment of HTML next to it (OUTPUT with .html) if none does. When standard
input closes, the process that started this one has ended: the kernel is
killed and this ends too. It does not choose the notebooks or lay out the page
around the fragment.
"""

import asyncio
import base64
import copy
import html
import json
import os
import re
import signal
import sys
import threading
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

COLORS = re.compile(r"\x1b\[[0-9;]*m")


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class TellingClient(NotebookClient):
    """Says when a code cell begins and ends; cells are counted from 1."""

    code_cell = 0

    async def async_start_new_kernel_client(self, *args, **kwargs):
        client = await super().async_start_new_kernel_client(*args, **kwargs)
        # nbclient has set its own handlers by now, which wait for the cell.
        end_on_signals(self)
        process = self.kernel_process()
        if process is not None:
            tell("kernel", pid=process.pid)
        return client

    def kernel_process(self):
        """The kernel's process, or None before it is started."""
        return getattr(getattr(self.km, "provisioner", None), "process", None)

    def kill_kernel(self):
        process = self.kernel_process()
        if process is not None:
            process.kill()
            self.km.cleanup_connection_file()

    async def async_execute_cell(self, cell, cell_index, *args, **kwargs):
        if cell.cell_type != "code" or not cell.source.strip():
            return await super().async_execute_cell(
                cell, cell_index, *args, **kwargs
            )
        self.code_cell += 1
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

    def process_message(self, msg, cell, cell_index):
        # Deno sends null for fields that a bare expression leaves empty;
        # nbclient 0.7 reads them.
        content = msg.get("content", {})
        for field in ("transient", "metadata", "data"):
            if content.get(field, ...) is None:
                content[field] = {}
        return super().process_message(msg, cell, cell_index)


def end(client):
    client.kill_kernel()
    os._exit(130)


def end_on_signals(client):
    """Ends the kernel and this process at once on any terminating signal."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            asyncio.get_running_loop().remove_signal_handler(number)
        except (RuntimeError, NotImplementedError):
            pass
        signal.signal(number, lambda *_: end(client))


def end_with_parent(client):
    """Ends kernel and process when standard input closes."""

    def watch():
        while os.read(0, 4096):
            pass
        end(client)

    threading.Thread(target=watch, daemon=True).start()


LONGEST_CAPTION = 150


def figure(words, source, width):
    """A picture with its text as caption; only how it begins if it is long."""
    short = len(words) <= LONGEST_CAPTION
    caption = words if short else re.split("[:.] ", words, maxsplit=1)[0]
    style = f' style="--width:{width}px"' if width else ""
    return (
        f'<figure><img alt="{html.escape(words, quote=True)}"{style} '
        f'src="{source}"><figcaption>{html.escape(caption)}</figcaption>'
        f"</figure>"
    )


def for_pages(notebook):
    """A copy with its pictures as figures, and correctly highlighted code."""
    notebook = copy.deepcopy(notebook)
    # The TypeScript lexer takes the value after a colon for a type.
    notebook.metadata.setdefault("language_info", {})["pygments_lexer"] = "js"
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            svg = data.pop("image/svg+xml", None)
            png = data.pop("image/png", None)
            width = None
            if svg is not None:
                code = base64.b64encode(svg.encode()).decode()
                source = f"data:image/svg+xml;base64,{code}"
                found = re.search(r'<svg[^>]*? width="([\d.]+)"', svg)
                width = found and found.group(1)
            elif png is not None:
                source = f"data:image/png;base64,{png.strip()}"
            else:
                continue
            words = data.get("text/plain", "")
            data["text/html"] = figure(words, source, width)
    return notebook


def write_html(notebook, path):
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="basic")
    body, _ = exporter.from_notebook_node(for_pages(notebook))
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
    end_on_signals(client)
    end_with_parent(client)
    tell("start", cells=len(notebook.cells))
    failure = None
    try:
        client.execute()
    except CellExecutionError as error:
        failure = (error.ename, COLORS.sub("", str(error.evalue)))
    except DeadKernelError as error:
        failure = ("DeadKernelError", str(error))
    except Exception as error:
        # Whatever Jupyter makes of a cell's output, the error must name the cell.
        if client.code_cell == 0:
            raise
        failure = (type(error).__name__, f"{error} (in Jupyter's client)")
    nbformat.write(notebook, output)
    if failure is not None:
        tell("error", cell=client.code_cell, name=failure[0],
             message=failure[1])
        return 1
    write_html(notebook, output + ".html")
    tell("done", seconds=round(time.time() - started, 3))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
