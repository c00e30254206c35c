"""The rendered API document, in a real browser before the real stack."""

import json
import re
import subprocess
from pathlib import Path

from playwright.sync_api import Page, expect

from bench.stack import Stack


def test_the_document_shows_every_operation(page: Page, stack: Stack) -> None:
    paths = stack.get("/openapi.json")["paths"]
    page.goto("/docs")
    expect(page.locator(".operation")).not_to_have_count(0)
    methods = ("get", "put", "post", "delete", "patch")
    wanted = {f"{method} {path}" for path, item in paths.items() for method in methods if method in item}
    assert {one.get_attribute("aria-label") for one in page.locator(".operation").all()} == wanted
    assert page.locator("#contents a").count() == len(wanted)
    for link in page.locator("#contents a").all():
        assert page.locator(f"[id='{(link.get_attribute('href') or '')[1:]}']").count() == 1


def test_the_document_tells_fields_bounds_and_answers_of_a_request(page: Page) -> None:
    page.goto("/docs")
    ask = page.get_by_role("region", name="post /models/{model}", exact=True)
    for field in ("model", "inputs", "parameters.top_k", "parameters.function_to_apply"):
        expect(ask.get_by_role("rowheader", name=field).first).to_be_visible()
    top_k = ask.get_by_role("row", name="parameters.top_k").first
    expect(top_k).to_contain_text("integer or null, ≥ 1")
    ask.locator("summary", has_text="422").click()
    expect(ask.get_by_role("rowheader", name=re.compile("^detail")).locator("visible=true")).to_be_visible()
    ask.get_by_role("link", name="Try it on the page").click()
    expect(page.get_by_role("link", name="sentiment")).to_be_visible()


def test_a_schema_that_contains_itself_is_told_once(page: Page) -> None:
    page.goto("/docs")
    told = page.evaluate(
        """async (root) => {
            const { fieldsOf, typeOf } = await import("/web/schema.js");
            const tree = { $ref: "#/$defs/a~1tree" };
            return [fieldsOf(tree, root).map(({ path }) => path), typeOf({ items: tree }, root), typeOf(tree, root)];
        }""",
        {
            "$defs": {
                "a/tree": {
                    "type": "object",
                    "properties": {"name": {}, "leaves": {"items": {"$ref": "#/$defs/a~1tree"}}},
                }
            }
        },
    )
    assert told == [["name", "leaves"], "array of object", "object"]


def test_the_lines_of_the_document_run(page: Page, tmp_path: Path) -> None:
    page.goto("/docs")
    ask = page.get_by_role("region", name="get /models/{model}", exact=True)
    line = ask.locator("pre", has_text="curl").inner_text()
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["ready"] is True
