// What a person sees and does on the page: it runs, things break and recover, time turns back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { screenshot, setUp } from "./harness.mjs";
import {
  choose, click, clock, clockPasses, component, componentIs, countFrames, framesAskedDuring, later, log, logged, notice, pause,
  picture, place, play, press, spot, standAt, verdict,
} from "./gestures.mjs";

const stage = await setUp();

test("the page opens on the running chat, and stands still when told to", async (t) => {
  const page = await stage.open(t);
  await page.addInitScript(countFrames);
  await page.reload();
  await page.locator("#clock").waitFor();
  await page.getByText(/Try it: click/).waitFor();
  assert.equal(await page.locator("#scenario").inputValue(), "chat");
  const first = await picture(page);
  await clockPasses(page, 0.3);
  assert.notEqual(await picture(page), first, "the picture moves");

  await page.locator("canvas").focus();
  await page.keyboard.press("Space");
  await page.locator("#play[aria-label=Play]").waitFor();
  const still = await clock(page);
  await framesAskedDuring(page, page, 5);
  const stood = await picture(page);
  assert.equal(await framesAskedDuring(page, page), 0, "a page that stands still asks for no frames");
  assert.equal(await clock(page), still);
  assert.equal(await picture(page), stood);

  await page.keyboard.press("Space");
  await clockPasses(page, still);
});

test("a gateway dies by pointer and menu, traffic goes on, and it comes back", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  await choose(page, "gateway-1", "Kill k");
  const inspector = page.locator("#inspector");
  await inspector.getByRole("heading", { name: /gateway-1\s*crashed 0\.0 s ago/ }).waitFor();
  await componentIs(page, "gateway-1", "crashed");
  assert.equal(await page.getByText(/Try it: click/).count(), 0, "who has acted needs no hint");

  await play(page);
  await logged(page, /does not answer|is down/);
  await pause(page);
  await later(page, 5);
  await page.locator("canvas").press("Escape");
  await page.getByLabel("every message").check();
  await logged(page, /was told that .* is safe/);
  const [at] = (await log(page).locator("li").filter({ hasText: /is safe/ }).first().innerText()).split(" ");
  assert(Number(at) > 5, `the last message that was accepted, at ${at} s, is one after the fall`);
  await page.locator(".chart").filter({ hasText: "accepted" }).waitFor();

  await choose(page, "gateway-1", "Restart");
  await later(page, 3);
  await componentIs(page, "gateway-1", "up");
  await page.locator("#verdict.well").waitFor();
});

test("a gateway dies by keyboard alone", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  await page.locator("canvas").focus();
  // The components come right after the canvas.
  for (let tabs = 0; tabs < 30; tabs++) {
    await page.keyboard.press("Tab");
    if ((await page.evaluate(() => document.activeElement.textContent)).startsWith("gateway-1,")) break;
  }
  await page.keyboard.press("k");
  await componentIs(page, "gateway-1", "crashed");
  await page.locator("#inspector").getByText(/crashed 0\.0 s ago/).waitFor();
  await page.getByRole("log", { name: "What happens" }).getByText(/gateway-1.*crashed/).waitFor();
  await page.keyboard.press("m");
  await page.getByRole("menuitem", { name: "Restart" }).press("Enter");
  await later(page, 2);
  await componentIs(page, "gateway-1", "up");
});

test("a sender dies: it is suspected, replaced, and the lesson saw it", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  await page.getByRole("button", { name: "Next →" }).click();
  const lesson = page.getByRole("complementary", { name: "Lesson" });
  await lesson.getByRole("heading", { name: /A component dies/ }).waitFor();
  assert.equal(await lesson.locator("li.done").count(), 0);

  await press(page, "sender-1", "k");
  await lesson.locator("li.done").filter({ hasText: "Kill a sender" }).waitFor();
  assert.equal(await component(page, "sender-3").count(), 0, "nobody can have noticed yet");
  await later(page, 3);
  await componentIs(page, "sender-3", "up");
  await component(page, "sender-1").waitFor({ state: "detached" });
  await logged(page, "supervisor-1 takes sender-1 for dead");
  await logged(page, "sender-3 is up");
  await logged(page, "sender-1 is gone for good");
  assert.equal(await lesson.locator("li.done").count(), 3);
  await page.locator("#verdict.well").waitFor();
  await screenshot(page, "sender-replaced");
});

test("senders that say “safe” too early lose a message, and the page says which", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 1);
  await page.getByLabel("Senders say “safe”").selectOption("before-store");
  await later(page, 1);
  let broke = false;
  for (const name of ["sender-1", "sender-2", "sender-3", "sender-4", "sender-5", "sender-6"]) {
    await press(page, name, "k");
    await later(page, 4);
    broke = await page.locator("#verdict.broken").count();
    if (broke) break;
  }
  assert(broke, "no kill lost a message that was accepted");
  const told = await verdict(page).getAttribute("title");
  assert.match(told, /“.+”/, "it names the message");
  assert.match(await verdict(page).innerText(), /promises? broken/);
  const now = await clock(page);
  await verdict(page).click();
  await page.waitForFunction((now) => parseFloat(document.querySelector("#clock").textContent) < now, now);
  const mark = page.locator(".mark.violation").first();
  assert.equal(parseFloat(await mark.getAttribute("title")), await clock(page), "a click goes to where it broke");
  await screenshot(page, "promise-broken");
});

test("a component from the palette is wired by clicking another", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 1);
  await page.getByRole("button", { name: "+ Add" }).click();
  await page.getByRole("menuitem", { name: /^Gateway, not wired/i }).click();
  await notice(page, /Click what gateway-3 is to be wired to/);
  const cut = page.locator("#inspector").getByRole("button", { name: /Cut all links/ });
  await page.locator("#inspector").getByRole("heading", { name: /gateway-3/ }).waitFor();
  assert.equal(await cut.getAttribute("aria-disabled"), "true", "it stands alone");

  await click(page, "sender-1");
  await page.locator("canvas").press("Escape"); // the tool stays in the hand until then
  await page.locator(".stage:not(.wiring)").waitFor();
  await page.locator("#inspector").getByRole("heading", { name: /gateway-3/ }).waitFor();
  await page.locator('#inspector button[aria-disabled=false]', { hasText: "Cut all links" }).waitFor();

  await screenshot(page, "wired");
  await press(page, "gateway-3", "c");
  await logged(page, "the link gateway-3 → sender-1 is cut");
});

test("two components are wired by keyboard", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 1);
  await press(page, "gateway-1", "w");
  await page.locator(".stage.wiring").waitFor();
  await press(page, "history-1", "Enter");
  await press(page, "history-1", "Enter");
  await notice(page, /Gateway-1 and history-1 are linked already/);
  assert.equal(await page.getByRole("menu").count(), 0);
  await page.keyboard.press("Escape");
  await page.locator(".stage:not(.wiring)").waitFor();
});

test("time goes step by step, to where one points, and back; acting in the past leaves a branch", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 8);
  const bar = page.getByRole("slider", { name: "Time" });
  const exact = async () => Number(await bar.getAttribute("aria-valuenow"));

  await page.locator("canvas").focus();
  for (let step = 0; step < 3; step++) await page.keyboard.press(".");
  const stepped = await exact();
  assert(stepped > 8 && stepped < 9, `three events after 8 s it is ${stepped}`);
  await page.keyboard.press(",");
  assert((await exact()) < stepped);
  await page.keyboard.press("ArrowLeft");
  assert((await exact()) < 7.9);
  await page.keyboard.press("0");
  assert.equal(await exact(), 0);

  const { x, y, width, height } = await bar.boundingBox();
  await page.mouse.click(x + width / 30, y + height / 2);
  const sought = await exact();
  assert(Math.abs(sought - 4) < 0.3, `a thirtieth of two minutes is 4 s, not ${sought}`);
  await page.mouse.move(x + width / 30, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width / 20, y + height / 2, { steps: 3 });
  await page.mouse.up();
  assert(Math.abs((await exact()) - 6) < 0.3);

  await press(page, "gateway-2", "k");
  await later(page, 2);
  await page.locator("canvas").focus();
  await page.keyboard.press("0");
  await later(page, 2);
  await componentIs(page, "gateway-2", "up");
  const courses = page.getByRole("list", { name: "Courses of events" }).getByRole("button");
  assert.equal(await courses.count(), 2, "to look back leaves nothing behind");
  await press(page, "gateway-1", "k");
  await courses.nth(2).waitFor();
  await later(page, 5);
  await componentIs(page, "gateway-2", "up");
  await componentIs(page, "gateway-1", "crashed");
  await screenshot(page, "courses");

  assert.equal(await courses.filter({ hasText: "kill gateway-1" }).getAttribute("aria-current"), "true");
  const left = courses.filter({ hasText: "kill gateway-2" });
  const at = await exact();
  await left.click();
  await componentIs(page, "gateway-1", "up");
  assert.equal(await left.getAttribute("aria-current"), "true");
  assert(Math.abs((await exact()) - at) < 0.001, "the same instant of another course");
});

test("what was done is taken back and done again; time goes by what happened, and backwards", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 3);
  await press(page, "sender-1", "k");
  await componentIs(page, "sender-1", "crashed");
  await page.keyboard.press("Control+z");
  await componentIs(page, "sender-1", "up");
  await page.getByRole("button", { name: "Do again" }).click();
  await componentIs(page, "sender-1", "crashed");

  const bar = page.getByRole("slider", { name: "Time" });
  const exact = async () => Number(await bar.getAttribute("aria-valuenow"));
  await page.getByLabel("What to go to").selectOption("suspicion");
  await page.getByRole("button", { name: "To the next" }).click();
  await page.waitForFunction(() => Number(document.querySelector(".bar").getAttribute("aria-valuenow")) > 3.1);
  const noticed = await exact();
  assert(noticed > 3.3 && noticed < 5, `suspected at ${noticed}`);
  await page.getByLabel("What to go to").selectOption("fault");
  await page.getByRole("button", { name: "To the previous" }).click();
  await page.waitForFunction(() => document.querySelector(".bar").getAttribute("aria-valuenow") === "3.000");
  await page.getByRole("button", { name: "Backwards" }).click();
  await page.waitForFunction(() => Number(document.querySelector(".bar").getAttribute("aria-valuenow")) < 2.8);
  await componentIs(page, "sender-1", "up");
});

test("a component goes where it is dragged, stays there, and the link says so", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  const [from, stays] = [await place(page, "gateway-1"), await spot(page, "sender-1")];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  for (const step of [1, 2, 3, 4]) await page.mouse.move(from.x + 20 * step, from.y - 10 * step);
  await page.mouse.up();
  await later(page, 1);
  const to = await place(page, "gateway-1");
  assert(Math.hypot(to.x - from.x - 80, to.y - from.y + 40) < 3, `from ${from.x}, ${from.y} to ${to.x}, ${to.y}`);
  assert.deepEqual(await spot(page, "sender-1"), stays, "nobody else moves");

  await page.locator("#share").click();
  assert.match(await page.locator("#link-moment").inputValue(), /\.move~gateway-1~/);
});
