"""`python -m bench`, which `make bench` calls."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from bench import report
from bench.bars import judge
from bench.endpoints import ENDPOINTS
from bench.equal import Unequal
from bench.implementations import ALL, CONTROL, TITLES, Implementation
from bench.load import LoadError
from bench.machine import machine
from bench.measure import Figures, medians
from bench.run import Bench, Wish, bench, collected

console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)
SUMMARY = "What a request costs in Kingpost and in what people use today."
command = App(
    name="bench",
    version_flags=[],
    suppress_keyboard_interrupt=False,
    help="What a request costs in Kingpost and in what people use today.",
)


@command.default
def main(
    *,
    only: str = "",
    endpoints: str = "",
    seconds: int = 4,
    rounds: int = 5,
    connections: int = 32,
    workers: int = 1,
    output: Annotated[Path | None, Parameter(help="Default: bench/results/latest.json, if all was measured.")] = None,
    check: Annotated[bool, Parameter(negative="", help="Compare the answers and measure nothing.")] = False,
) -> int:
    """Measure.

    Args:
        only: Implementations, with commas between; the control is always among them.
        endpoints: Endpoints, with commas between.
        seconds: Length of one measurement.
        rounds: How often everything is measured; the medians are reported.
        connections: How many clients ask at the same time.
        workers: Processes of each server that answer.
    """
    names = _named("implementation", only, list(TITLES))
    asked = _named("endpoint", endpoints, list(ENDPOINTS))
    if names is None or asked is None:
        return 2
    if shutil.which("wrk") is None and not check:
        console.print("[red]wrk is not installed.[/] On Debian, as root: apt-get install wrk")
        return 1
    chosen = _present(names, asked)
    wish = Wish(chosen, asked, seconds, rounds, connections, workers)
    everything = chosen == list(ALL) and asked == list(ENDPOINTS)
    told = machine(wish)
    try:
        with bench(wish) as running:
            for line in running.compare():
                console.print(f"equal  {line}")
            if check:
                return 0
            results = _measure(running, wish)
    except (Unequal, LoadError, RuntimeError) as error:
        console.print(f"[red]{type(error).__name__}[/]", error, markup=False)
        return 1
    _show(results)
    file = output or (report.LATEST if everything else None)
    if file:
        report.write(file, told, results)
        console.print(f"written to {file}")
    if file == report.LATEST:
        console.print("now docs/performance.md: python -m tests.docs.regenerate performance")
    return 0


def _named(what: str, names: str, known: list[str]) -> list[str] | None:
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        if name not in known:
            console.print(f"[red]There is no {what} {name}.[/] There are: {', '.join(known)}")
            return None
    return [name for name in known if name in chosen] if chosen else known


def _present(names: list[str], endpoints: list[str]) -> list[Implementation]:
    """The control and those that were named, as far as they have one of the endpoints and can run here."""
    wanted = [each for each in ALL if each.name in (*names, CONTROL) and {*each.endpoints} & {*endpoints}]
    present = [each for each in wanted if not each.needs or shutil.which(each.needs)]
    for each in wanted:
        if each not in present:
            console.print(f"[yellow]{each.title} is left out: there is no {each.needs} here[/]")
    return present


def _measure(running: Bench, wish: Wish) -> dict[str, dict[str, Figures]]:
    columns = TextColumn("{task.completed}/{task.total}"), TextColumn("{task.description}"), TimeElapsedColumn()
    steps = []
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("warm-up")
        for word in running.warm_up():
            progress.update(task, description=f"warm-up {word}")
        for name, share in running.busy().items():
            console.print(f"[yellow]{name} takes {share:.0%} of a core while nobody asks: its figures are too high[/]")
        progress.reset(task, total=running.size * wish.rounds)
        for step in running.rounds():
            steps.append(step)
            progress.update(task, advance=1, description=f"round {step.round}: {step.endpoint} {step.implementation}")
    return {
        endpoint: {name: medians(found[name]) for name in TITLES if name in found}
        for endpoint, found in collected(steps).items()
    }


def _show(results: dict[str, dict[str, Figures]]) -> None:
    for endpoint, found in results.items():
        console.print(report.table(endpoint, found))
    console.print(report.bars(judge(results)))


def _interrupted(_number: int, _frame: object) -> None:
    """Once is enough: taking the servers down is not to be interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        sys.exit(command(result_action="return_value"))
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        sys.exit(130)
