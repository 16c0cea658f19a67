// Several components are chosen with the pointer and with keys, and what is done is done to each.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setUp } from "./harness.mjs";
import { component, componentIs, place, press, standAt } from "./gestures.mjs";

const stage = await setUp();

test("a box is drawn around two gateways, and one key kills both", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  const [a, b] = [await place(page, "gateway-1"), await place(page, "gateway-2")];
  await page.keyboard.down("Shift");
  await page.mouse.move(a.x - 30, a.y - 30);
  await page.mouse.down();
  await page.mouse.move(b.x + 30, b.y + 30, { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up("Shift");
  await page.getByText("Chosen: gateway-1, gateway-2.").waitFor();
  await page.keyboard.press("k");
  await componentIs(page, "gateway-1", "crashed");
  await componentIs(page, "gateway-2", "crashed");
  await page.keyboard.press("Escape");
  assert.equal(await page.getByText("Chosen:").count(), 0);
});

test("with shift and a click one more is chosen; a copy is wired as what it is a copy of", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  const [a, b] = [await place(page, "client-1"), await place(page, "client-2")];
  await page.mouse.click(a.x, a.y);
  await page.keyboard.down("Shift");
  await page.mouse.click(b.x, b.y);
  await page.keyboard.up("Shift");
  await page.getByText("Chosen: client-1, client-2.").waitFor();
  await page.keyboard.press("y");
  await page.keyboard.press("Y");
  await component(page, "client-7").waitFor({ state: "attached" });
  await component(page, "client-8").waitFor({ state: "attached" });
  await page.getByText("Chosen: client-7, client-8.").waitFor();
});

test("by keys alone", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  await press(page, "sender-1", "v");
  await press(page, "sender-2", "v");
  await page.getByText("Chosen: sender-1, sender-2.").waitFor();
  await page.keyboard.press("p");
  await componentIs(page, "sender-1", "paused");
  await componentIs(page, "sender-2", "paused");
});
