"""A user's own texts with their labels: what can be learnt from is kept, everything else is told of.

What has no readable text or no label goes; what is done with the others, `training.data.dealing` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.text_classifier import DataSource
from processing.cleaning import clean
from processing.language import most_frequent
from training.data.alike import alike, words_of
from training.data.dealing import Dealer, counts_of
from training.data.findings import DataReport, Finding
from training.data.own_rows import LabelledText, texts_of
from training.data.split import Part
from training.data.table import Table
from training.errors import UnlearnableError


@dataclass(frozen=True)
class LabelledTexts:
    """`labels` in the order in which answers have them; `texts` in the order of the file."""

    texts: Sequence[LabelledText]
    labels: tuple[str, ...]
    multi_label: bool
    report: DataReport

    def part(self, part: Part) -> list[LabelledText]:
        return [text for text in self.texts if text.part == part]


@dataclass(frozen=True)
class Demands:
    """`fewest`: a label of fewer rows is not learnt. `max_tokens`: so much of a text is read. `validation` and `test`
    are shares of the rows of each label. `clean`: the model reads cleaned texts; what is the same to it is the same
    here."""

    fewest: int
    max_tokens: int
    validation: float
    test: float
    seed: int
    clean: bool = False

    def read(self, text: str) -> str:
        """As the model reads it."""
        return clean(text) if self.clean else text

    def dealer(self, findings: list[Finding]) -> Dealer[LabelledText]:
        """Texts of the same words are the same."""

        def groups(texts: Sequence[LabelledText]) -> list[int]:
            found: list[int] = alike([self.read(text.text) for text in texts]).tolist()
            return found

        return Dealer(
            what="text",
            same=lambda text: tuple(words_of(self.read(text.text))),
            alike=groups,
            fewest=self.fewest,
            shares={"test": self.test, "validation": self.validation},
            seed=self.seed,
            findings=findings,
        )


def labelled_texts(table: Table, source: DataSource, demands: Demands) -> LabelledTexts:
    """Raises `DataError` where a column is missing or a part has another name, `UnlearnableError` where too little is
    left to learn from."""
    wanted = (source.text_column, source.label_column, source.split_column)
    table.require(*(column for column in wanted if column is not None))
    findings: list[Finding] = []
    if table.encoding and table.encoding != "utf-8":
        findings.append(Finding.of("encoding", [1], f"the file is in {table.encoding}"))
    texts, multi_label = texts_of(table.rows, source, findings, demands.read)
    dealer = demands.dealer(findings)
    texts = dealer.once(texts)
    known = len(texts)
    texts = dealer.learnable(texts)
    labels = tuple(sorted({label for text in texts for label in text.labels}))
    fewest = 1 if multi_label else 2
    if len(labels) < fewest:
        raise UnlearnableError(
            f"{known} labelled texts have {len(labels)} labels of {demands.fewest} rows or more "
            f"({', '.join(labels) or 'none'}); at least {fewest} are needed: is it the right column, and are several "
            "labels of a row separated (--separator)?",
            findings,
        )
    dealer.tell_of_labels(texts, labels)
    _tell_of_length(texts, demands, findings)
    texts = dealer.dealt_out(texts)
    report = DataReport(
        file=source.file.name,
        sha256=table.sha256,
        encoding=table.encoding,
        rows_read=len(table.rows),
        rows_used=len(texts),
        multi_label=multi_label,
        parts=counts_of(texts, labels),
        leaks=dealer.leaks(texts),
        findings=tuple(findings),
        languages=most_frequent(text.text for text in texts if text.part == "train"),
    )
    return LabelledTexts(texts, labels, multi_label, report)


def _tell_of_length(texts: Sequence[LabelledText], demands: Demands, findings: list[Finding]) -> None:
    """A word is a token or more."""
    most = demands.max_tokens
    if long := [text.number for text in texts if len(words_of(demands.read(text.text))) > most]:
        what = f"more words than the {most} tokens that are read in training (--set max_tokens=…): cut there"
        findings.append(Finding.of("long", long, what))
