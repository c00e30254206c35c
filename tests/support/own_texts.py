"""Rows of a user's own: short texts whose labels stand in them, so that a tiny network learns them in seconds."""

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TOPICS = {"food": ("soup", "bread", "cook"), "price": ("cheap", "costly", "bill"), "room": ("bed", "window", "noise")}
FILLERS = ("the", "was", "and", "very", "today", "again", "they", "said", "here", "then", "quite", "never")
WORDS = (*FILLERS, *(word for words in TOPICS.values() for word in words))


def rows(count: int, *, several: bool) -> list[dict[str, Any]]:
    """`label` is a topic, or a list of any number of them."""
    drawn = random.Random(4)
    made = []
    for number in range(count):
        topics = drawn.sample(list(TOPICS), drawn.randrange(4) if several else 1)
        words = [drawn.choice(TOPICS[topic]) for topic in topics for _ in range(2)]
        words += [drawn.choice(FILLERS) for _ in range(4)] + [str(number)]
        drawn.shuffle(words)
        made.append({"text": " ".join(words), "label": sorted(topics) if several else topics[0]})
    return made


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_json_lines(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
