// The trace and the charts: a row is the same message everywhere, and an instant the same in all views.

import assert from "node:assert/strict";
import { test } from "node:test";
import { screenshot, setUp } from "./harness.mjs";
import { clock, picture, standAt, sticksOut } from "./gestures.mjs";

const stage = await setUp();

const view = (page, name) => page.getByRole("group", { name, exact: true });
const rows = (page) => view(page, "Trace").getByRole("group", { name: "Rows" }).getByRole("button");
const requests = (page) => view(page, "Trace").getByRole("group", { name: "Requests" }).getByRole("button");
const title = (page) => page.locator("#inspector h2");

/** What the canvas of a view shows, as text that can be compared. */
const drawn = (page, kind) => page.evaluate((kind) => document.querySelector(`[data-view=${kind}]`).toDataURL(), kind);

/** Where a row or a request is on the page. */
async function spot(page, button) {
  const canvas = await view(page, "Trace").locator("canvas").boundingBox();
  const [x, y] = await Promise.all(["data-x", "data-y"].map((name) => button.getAttribute(name)));
  return { x: canvas.x + Number(x), y: canvas.y + Number(y) };
}

test("the trace opens by key and by button, and a click on a row tells what the message is", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 3);
  await page.locator(".stage canvas").press("3");
  await view(page, "Trace").locator("canvas").waitFor();
  assert.equal(await page.locator("#view-trace").getAttribute("aria-pressed"), "true");
  const row = rows(page).filter({ hasText: / Append #/ }).first();
  await row.waitFor({ state: "attached" });
  const { x, y } = await spot(page, row);
  const [before, stood] = [await picture(page), await drawn(page, "trace")];
  await page.mouse.click(x, y);
  await title(page).filter({ hasText: "Append" }).waitFor();
  await page.mouse.move(5, 5);
  assert.notEqual(await picture(page), before, "the stage shows its way");
  assert.notEqual(await drawn(page, "trace"), stood, "and its row stands out");
  await screenshot(page, "views-trace");
  await page.locator("#view-trace").click();
  await view(page, "Trace").waitFor({ state: "detached" });
});

test("a request is taken from the list, and by keys one goes along its rows", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 4);
  await page.locator(".stage canvas").press("3");
  const other = requests(page).nth(3);
  await other.waitFor({ state: "attached" });
  const words = await other.innerText();
  const { x, y } = await spot(page, other);
  await page.mouse.click(x, y);
  await title(page).filter({ hasText: "Send" }).waitFor();
  await rows(page).first().filter({ hasText: words }).waitFor({ state: "attached" });
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await title(page).filter({ hasText: "Append" }).waitFor();
  await page.keyboard.press("Shift+ArrowUp");
  await title(page).filter({ hasText: "Send" }).waitFor();
  await view(page, "Trace").getByRole("button", { name: "Slowest" }).click();
  await view(page, "Trace").getByRole("button", { name: "Slowest", pressed: true }).waitFor();
  await requests(page).nth(3).filter({ hasNotText: words }).waitFor({ state: "attached" });
});

test("an instant that is pointed at in a chart shows in the diagram, and a click goes there", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 5);
  await page.locator(".stage canvas").press("1");
  await page.locator(".stage canvas").press("4");
  const canvas = view(page, "Charts").locator("canvas");
  await canvas.waitFor();
  await page.mouse.move(5, 5);
  const [before, stood] = [await drawn(page, "space-time"), await drawn(page, "charts")];
  const { x, y, width, height } = await canvas.boundingBox();
  // Early in the first of the charts, right of the values at its left edge.
  const there = { x: x + Math.min(width, 300) * 0.25, y: y + Math.min(height, 200) * 0.3 };
  await page.mouse.move(there.x, there.y);
  await page.waitForFunction((stood) => document.querySelector("[data-view=charts]").toDataURL() !== stood, stood);
  assert.notEqual(await drawn(page, "space-time"), before, "the diagram shows the instant as well");
  await screenshot(page, "views-charts");
  await page.mouse.click(there.x, there.y);
  await page.waitForFunction(() => parseFloat(document.querySelector("#clock").textContent) < 5);
  assert((await clock(page)) > 0.5);
});

test("anything that is measured can be plotted, and no more than six at once", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 4);
  await page.locator("#view-charts").click();
  const picks = view(page, "Charts").getByRole("list", { name: "What is plotted" }).getByRole("button");
  const pressed = picks.and(page.locator("[aria-pressed=true]"));
  await picks.filter({ hasText: "losses by reason" }).click();
  await picks.filter({ hasText: "Each person writes" }).click();
  await picks.filter({ hasText: "delivery: percentiles" }).click();
  await picks.filter({ hasText: "all messages" }).click();
  await picks.filter({ hasText: "wire" }).click();
  await picks.filter({ hasText: "wire" }).and(page.locator("[aria-pressed=true]")).waitFor();
  assert.equal(await pressed.count(), 6);
  await view(page, "Charts").getByRole("button", { name: "2 min" }).click();
  for (const width of [800, 1024, 1440]) {
    await page.setViewportSize({ width, height: 800 });
    await page.waitForFunction((width) => document.querySelector(".dock").clientWidth === width, width);
    assert.deepEqual(await sticksOut(page), [], `what leaves the window at ${width} pixels`);
  }
  await screenshot(page, "views-charts-many");
});
