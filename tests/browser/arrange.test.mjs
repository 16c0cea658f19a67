// Components are arranged in another way, and a link shows them so; from afar groups are one shape.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setUp } from "./harness.mjs";
import { component, standAt } from "./gestures.mjs";

const stage = await setUp();

/** Where a component is on the canvas. */
async function place(page, name) {
  const button = component(page, name);
  return [Number(await button.getAttribute("data-x")), Number(await button.getAttribute("data-y"))];
}

/** Chooses one of the stage's arrangements. */
async function arrange(page, words) {
  await page.getByRole("button", { name: "Arrange" }).click();
  await page.getByRole("menuitem", { name: words }).click();
}

test("another arrangement is chosen, shared, and given back", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  const first = await place(page, "gateway-1");
  await arrange(page, "On circles");
  const second = await place(page, "gateway-1");
  assert.notDeepEqual(second, first);
  await page.locator("#share").click();
  const link = await page.locator("#link-moment").inputValue();
  assert.match(link, /\.layout~ring\./);
  await page.keyboard.press("Escape");
  const other = await stage.open(t, link.slice(link.indexOf("#")));
  assert.deepEqual(await place(other, "gateway-1"), second);
  await arrange(page, "In tiers");
  assert.deepEqual(await place(page, "gateway-1"), first);
});

test("the stage itself has a menu, by the right button and by the keyboard; what it cannot do is told", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 1);
  const canvas = page.locator(".stage canvas");
  const { width, height } = await canvas.boundingBox();
  await canvas.click({ button: "right", position: { x: width - 8, y: height / 2 } });
  const map = page.getByRole("menuitem", { name: "On a map" });
  await map.waitFor();
  assert.equal(await map.getAttribute("aria-disabled"), "true");
  assert.match(await map.getAttribute("title"), /no zones/);
  await page.keyboard.press("Escape");
  await canvas.focus();
  await page.keyboard.press("m");
  await map.waitFor();
});
