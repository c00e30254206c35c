"""Results as a Markdown table and a plot."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.comparison import Result, ratio

BASELINE = "naive gRPC"  # of the ratios; where it does not take part, the fastest other server is
OURS = "kmaas"


def markdown(
    results: Sequence[Result],
    how: Mapping[str, str],
    facts: Mapping[str, str],
    concurrencies: Sequence[int],
    counted: str = "Requests",
) -> str:
    """One table per workload, after what was measured and on what; rates are those of what is `counted`."""
    shown = ", ".join(f"{name} {value}" for name, value in facts.items()) + "."
    tables = [
        f"## {workload}\n\n{_table([one for one in results if one.workload == workload], concurrencies, counted)}"
        for workload in dict.fromkeys(result.workload for result in results)
    ]
    lines = "\n".join(f"- **{name}**: {text}" for name, text in how.items())
    return "\n\n".join([shown, *tables, f"## Set-up\n\n{lines}"]) + "\n"


def _table(results: Sequence[Result], concurrencies: Sequence[int], counted: str) -> str:
    """Rates with the ratio to the baseline; absent servers and failures in words, nothing where none was measured."""
    baseline = _baseline(results)
    rows = [["server", *(f"at {c}" for c in concurrencies), "ready, s", "memory, MB"]]
    for result in results:
        if result.absent is not None:
            cells = ["missing"] * len(concurrencies)
        else:
            cells = [_cell(result, baseline, concurrency) for concurrency in concurrencies]
        rows.append([result.server, *cells, _number(result.ready_s, 1), _number(result.memory_mb, 0)])
    rows.insert(1, ["---", *["---:"] * (len(rows[0]) - 1)])
    note = f"{counted} per second, in brackets how many times that of {baseline.server}." if baseline else ""
    missing = [f"{result.server} is missing: {result.absent}" for result in results if result.absent is not None]
    return "\n\n".join(["\n".join(f"| {' | '.join(row)} |" for row in rows), *filter(None, [note]), *missing])


def _baseline(results: Sequence[Result]) -> Result | None:
    """The naive server, else the fastest that is not ours, by the first concurrency."""
    present = [result for result in results if result.absent is None]
    named = next((result for result in present if result.server == BASELINE), None)
    others = [result for result in present if not result.server.startswith(OURS) and result.rates]
    return named or max(others, key=lambda result: result.rate(min(result.rates)) or 0, default=None)


def _cell(result: Result, baseline: Result | None, concurrency: int) -> str:
    rate = result.rate(concurrency)
    if rate is None:
        return "failed" if concurrency in result.failures else ""
    times = ratio(result, baseline, concurrency) if baseline else None
    return f"{rate:,.0f}" if times is None else f"{rate:,.0f} ({times:.2f}×)"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def plot(results: Sequence[Result], file: Path) -> None:
    """An SVG: for each workload requests per second over concurrency, a line per server."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    workloads = list(dict.fromkeys(result.workload for result in results))
    colours = {server: f"C{number}" for number, server in enumerate(dict.fromkeys(r.server for r in results))}
    with mpl.rc_context({"svg.hashsalt": "kmaas", "svg.fonttype": "none"}):
        figure = Figure(figsize=(4.5 * len(workloads), 4.5), layout="constrained")
        for axes, workload in zip(figure.subplots(1, len(workloads), squeeze=False)[0], workloads, strict=True):
            for result in (r for r in results if r.workload == workload and r.rates):
                rates = [result.rate(concurrency) for concurrency in result.rates]
                style = "-" if result.server.startswith(OURS) else "--"
                axes.plot(list(result.rates), rates, f"o{style}", color=colours[result.server], label=result.server)
            axes.set(title=workload, xlabel="requests at a time", ylabel="requests per second", xscale="log")
            axes.set(yscale="log", xticks=_ticks(results, workload), xticklabels=_ticks(results, workload))
            axes.minorticks_off()
            axes.grid(alpha=0.3)
        handles = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
        figure.legend(handles.values(), [str(label) for label in handles], loc="outside lower center", ncols=4)
        figure.savefig(file, format="svg", metadata={"Date": None})


def _ticks(results: Iterable[Result], workload: str) -> list[int]:
    return sorted({concurrency for r in results if r.workload == workload for concurrency in r.rates})
