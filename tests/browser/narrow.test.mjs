// The page on a phone, and at every width between a phone's and a desk's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { screenshot, setUp } from "./harness.mjs";
import { clockPasses, componentIs, place, spot, standAt, sticksOut } from "./gestures.mjs";

const stage = await setUp();

const PHONE = { width: 390, height: 844, hasTouch: true, isMobile: true };

for (const theme of ["light", "dark"]) {
  test(`nothing sticks out at any width, ${theme}`, async (t) => {
    const page = await stage.open(t, "", { theme });
    await clockPasses(page, 0.2);
    for (const width of [320, 390, 768, 1024, 1440]) {
      await page.setViewportSize({ width, height: width < 500 ? 760 : 800 });
      await page.waitForFunction(() => document.querySelector("canvas").clientWidth <= innerWidth);
      assert.deepEqual(await sticksOut(page), [], `what leaves the window at ${width} pixels`);
      await screenshot(page, `page-${width}-${theme}`);
    }
  });
}

test("on a phone, tabs switch the panels", async (t) => {
  const page = await stage.open(t, "", PHONE);
  const panels = { Lesson: ".lesson-body", Selected: ".dials", Charts: ".vitals", Log: ".log-panel" };
  for (const [tab, panel] of Object.entries(panels)) {
    await page.getByRole("tab", { name: tab }).tap();
    await page.locator(panel).waitFor();
    await page.getByRole("tab", { name: tab, selected: true }).waitFor();
    for (const other of Object.values(panels)) {
      assert.equal(await page.locator(other).isVisible(), other === panel, `${other} while ${tab} is chosen`);
    }
    await screenshot(page, `phone-${tab.toLowerCase()}`);
  }
});

test("on a phone, a tap selects and a long press opens the menu", async (t) => {
  const page = await stage.open(t, "", PHONE);
  await standAt(page, 2);
  const tapped = await place(page, "gateway-2");
  await page.touchscreen.tap(tapped.x, tapped.y);
  await page.locator("#inspector").getByRole("heading", { name: /gateway-2/ }).waitFor();

  const { x, y } = await place(page, "gateway-1");
  const touch = await page.context().newCDPSession(page);
  const finger = (type, ...touchPoints) => touch.send("Input.dispatchTouchEvent", { type, touchPoints });
  await finger("touchStart", { x, y });
  const menu = page.getByRole("menu");
  await menu.waitFor();
  await finger("touchEnd");
  await screenshot(page, "phone-menu");
  await menu.getByRole("menuitem", { name: "Kill k" }).tap();
  await menu.waitFor({ state: "detached" });
  await componentIs(page, "gateway-1", "crashed");

  // A finger that moves means to pan, not to press.
  const before = (await spot(page, "gateway-1")).x;
  const ground = { x: 12, y: y + 45 };
  await finger("touchStart", ground);
  await finger("touchMove", { x: ground.x + 40, y: ground.y });
  await finger("touchEnd");
  await page.getByRole("button", { name: "Dark theme" }).click(); // whatever is done refreshes the places
  await page.locator("html[data-theme=dark]").waitFor();
  assert.notEqual((await spot(page, "gateway-1")).x, before);
  assert.equal(await menu.count(), 0);
});

test("two fingers zoom about the point between them", async (t) => {
  const page = await stage.open(t, "", PHONE);
  await standAt(page, 2);
  const [one, other] = [await place(page, "gateway-1"), await place(page, "gateway-2")];
  const [left, right] = one.x < other.x ? [one, other] : [other, one];
  const apart = right.x - left.x;
  const touch = await page.context().newCDPSession(page);
  const fingers = (type, ...places) =>
    touch.send("Input.dispatchTouchEvent", { type, touchPoints: places.map(({ x, y }, id) => ({ x, y, id })) });
  // The fingers stand on the ground between the two gateways, and move as far again apart.
  const middle = { x: (left.x + right.x) / 2, y: left.y + 40 };
  const at = (dx) => ({ x: middle.x + dx, y: middle.y });
  await fingers("touchStart", at(-20));
  await fingers("touchStart", at(-20), at(20));
  await fingers("touchMove", at(-30), at(20));
  await fingers("touchMove", at(-30), at(30));
  await fingers("touchEnd");
  await page.getByRole("button", { name: "Dark theme" }).click(); // whatever is done refreshes the places
  await page.locator("html[data-theme=dark]").waitFor();
  const [l, r] = [await place(page, "gateway-1"), await place(page, "gateway-2")].sort((a, b) => a.x - b.x);
  const wider = (r.x - l.x) / apart;
  assert(Math.abs(wider - 1.5) < 0.06, `from 40 to 60 pixels is half as much again: ${wider}`);
  assert(Math.abs((l.x + r.x) / 2 - middle.x) < 4, "what was between the fingers stays there");
});
