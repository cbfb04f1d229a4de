"""The page in a browser: search an entity, see its neighbours, colour, zoom. Skipped where there is no Chromium to drive."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest

import cleora_jax as cj

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, tmp_path):
    """A page of an embedding, and what it complained of."""

    def open_(embedding, **options):
        path = tmp_path / "map.html"
        cj.viz.write_explorer(embedding, path, **options)
        page = browser.new_page(viewport={"width": 1000, "height": 700})
        faults = []
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("request", lambda request: faults.append(request.url) if not request.url.startswith("file:") else None)
        page.goto(f"file://{path}")
        page.wait_for_timeout(300)
        return page, faults

    return open_


GRAPH, BLOCKS = cj.generators.planted_partition([60] * 3, 0.3, 0.01)
VECTORS = cj.embed(GRAPH, cj.Cleora(dim=8, whiten_rank=8))
ATTRIBUTES = pa.table({"block": BLOCKS.codes.astype(str), "degree": cj.stats.degrees(GRAPH)})


def test_search_shows_the_neighbours_that_there_are(opened):
    page, faults = opened(VECTORS, attributes=ATTRIBUTES, neighbours=7)
    page.fill("#search", "17")
    assert page.locator("#found button").first.inner_text().strip() == "17"
    page.keyboard.press("Enter")
    assert page.inner_text("#chosen h2") == "17"
    listed = [line.split("\n")[0] for line in page.locator("#near button").all_inner_texts()]
    assert listed == [name for name, _ in VECTORS.most_similar("17", k=7)]
    facts = page.locator("#chosen dd").all_inner_texts()
    assert facts == [str(BLOCKS.codes[17]), str(cj.stats.degrees(GRAPH)[17])]
    page.locator("#near button").first.click()
    assert page.inner_text("#chosen h2") == listed[0]
    page.fill("#search", "no such id")
    assert "No such id" in page.inner_text("#found")
    assert not faults


def test_click_pan_and_zoom(opened):
    page, faults = opened(VECTORS, attributes=ATTRIBUTES)
    before = page.evaluate("[explorer.view.x, explorer.view.zoom]")
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -600)
    page.mouse.down()
    page.mouse.move(400, 330, steps=4)
    page.mouse.up()
    x, zoom = page.evaluate("[explorer.view.x, explorer.view.zoom]")
    assert zoom > 2 * before[1] and x != before[0] and page.evaluate("explorer.chosen") == -1
    page.click("#reset")
    place = page.evaluate("""() => { const box = document.getElementById("stage").getBoundingClientRect();
        return toScreen(42).map((one, at) => one + [box.x, box.y][at]); }""")
    page.mouse.click(*place)
    chosen = page.evaluate("explorer.chosen")
    near = np.linalg.norm(cj.viz.plane(VECTORS) - cj.viz.plane(VECTORS)[42], axis=1)
    assert chosen >= 0 and near[chosen] <= np.sort(near)[5]
    assert not faults


def test_colours_follow_the_attribute_and_dots_are_drawn(opened):
    page, faults = opened(VECTORS, attributes=ATTRIBUTES)
    assert page.locator("#legend li").count() == 3
    colours = page.evaluate("""() => { const pixels = new Uint8Array(4 * dots.width * dots.height);
        gl.readPixels(0, 0, dots.width, dots.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
        return new Set(Array.from({length: pixels.length / 4}, (_, at) => pixels.slice(4 * at, 4 * at + 3).join())).size; }""")
    assert colours > 3
    page.select_option("#colour", label="degree")
    ends = page.locator("#legend .ends span").all_inner_texts()
    assert float(ends[0]) < float(ends[1])
    assert not faults


def test_exact_ids_come_first_and_columns_are_told_apart(opened):
    ids = [f"17{at}" for at in range(60)] + ["17", "17"]
    vocab = cj.Vocab(pa.array(ids, pa.large_string()), ("user", "item"), np.array([0] * 61 + [1], np.uint8))
    page, faults = opened(cj.Embedding(np.random.default_rng(0).normal(size=(62, 4)).astype(np.float32), vocab))
    page.fill("#search", "17")
    assert [one.strip() for one in page.locator("#found button").all_inner_texts()[:3]] == [
        "17 (user)", "17 (item)", "170 (user)"
    ]  # fmt: skip
    page.locator("#found button").nth(1).click()
    assert page.inner_text("#chosen h2") == "17 (item)"
    page.reload()
    page.wait_for_timeout(200)
    assert page.inner_text("#chosen h2") == "17 (item)" and not faults
    page.goto(page.url.partition("#")[0] + "#50%")
    page.reload()
    assert page.evaluate("explorer.chosen") == -1 and not faults


def test_a_hundred_thousand_entities_are_drawn_and_searched(opened):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(100_000, 4)).astype(np.float32)
    embedding = cj.Embedding(vectors, cj.Vocab.of([f"entity {row}" for row in range(100_000)]))
    page, faults = opened(embedding, neighbours=0)
    page.fill("#search", "entity 99999")
    page.keyboard.press("Enter")
    assert page.inner_text("#chosen h2") == "entity 99999"
    assert page.evaluate("count") == 100_000 and not faults
