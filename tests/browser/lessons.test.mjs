// Lessons that show themselves, lectures, breakpoints, and the way from a broken promise to what broke it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { screenshot, setUp } from "./harness.mjs";
import { clock, notice, standAt } from "./gestures.mjs";

const stage = await setUp();

test("a task is shown, and ticks", async (t) => {
  const page = await stage.open(t, "#1~raft.step~2.at~3s.end");
  const task = page.locator(".tasks li").first();
  await task.getByRole("button", { name: "Show me" }).click();
  await page.locator(".tasks li.done").first().waitFor();
  assert.equal(await task.getByRole("button").count(), 0, "what is done need not be shown");
});

test("a lesson goes on by itself", async (t) => {
  const page = await stage.open(t, "#1~raft.end");
  await page.locator("#hands-free").click();
  assert.equal(await page.locator("#hands-free").getAttribute("aria-pressed"), "true");
  await page.locator("#speed").selectOption("5×");
  // It waits for reading, and for the run; then the next step is there without a hand.
  await page.locator(".count", { hasText: "2 of 5" }).waitFor({ timeout: 60_000 });
});

test("a lecture has big type and goes by a presenter's remote", async (t) => {
  const page = await stage.open(t, "#1~chat.at~3s.end");
  const size = () => page.locator(".lesson h2").evaluate((title) => parseFloat(getComputedStyle(title).fontSize));
  const before = await size();
  await standAt(page, 3);
  await page.keyboard.press("Shift+L");
  await page.locator(".page.lecture").waitFor();
  assert((await size()) > 1.5 * before);
  await page.keyboard.press("PageDown");
  await page.locator(".count", { hasText: "2 of 6" }).waitFor();
  await page.keyboard.press("PageUp");
  await page.locator(".count", { hasText: "1 of 6" }).waitFor();
  // What is enlarged is still where one clicks.
  const canvas = await page.locator(".stage canvas").boundingBox();
  const node = page.locator(".stage .unseen button", { hasText: "sender-1" }).first();
  const [x, y] = [await node.getAttribute("data-x"), await node.getAttribute("data-y")].map(Number);
  const large = canvas.width / (await page.locator(".stage canvas").evaluate((canvas) => canvas.offsetWidth));
  assert(large > 1.4, `${large} times as large`);
  await page.mouse.click(canvas.x + large * x, canvas.y + large * y);
  await page.keyboard.press("Shift+L");
  await page.locator("#inspector h2", { hasText: "sender-1" }).waitFor();
  await screenshot(page, "lecture");
});

test("a run stops at a breakpoint", async (t) => {
  const page = await stage.open(t, "#1~raft.end");
  await standAt(page, 0);
  await page.keyboard.press("Shift+B");
  const dialog = page.getByRole("dialog", { name: "Breakpoints" });
  await dialog.getByLabel("Stop at").selectOption("an event");
  await dialog.getByLabel("What").selectOption("elected");
  await page.locator("#set-break").click();
  await dialog.getByText("elected, anywhere").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.locator("#play").click();
  await notice(page, /Stopped at .*elected/);
  const stopped = await clock(page);
  assert.equal(await page.locator("#play").getAttribute("aria-label"), "Play");
  assert(stopped > 0.1 && stopped < 5, `${stopped} s`);
});

test("from a broken promise to what broke it, and a link that leads others there", async (t) => {
  const link = "#1~chat.dial~acknowledge~before-store~500ms.kill~sender-1~2s.kill~sender-2~3s.at~3500ms.end";
  const page = await stage.open(t, link, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.locator("#verdict.broken").waitFor();
  await page.locator("#promises").click();
  await page.locator(".promises ol").getByRole("button", { name: "Show" }).first().click();
  await page.locator("#inspector").waitFor();
  assert((await clock(page)) <= 3.1);
  await page.getByRole("button", { name: "Copy the link" }).first().click();
  await notice(page, /Copied/);
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /#1~chat\..*\.k~[0-9a-f]{8}$/);
  const there = await stage.goto(t, copied);
  await there.locator("#verdict.broken").waitFor();
  assert.equal(await clock(there), await clock(page));
});

test("a link opens the views, the step and the message that were shared", async (t) => {
  const page = await stage.open(t, "#1~raft.at~3s.view~log.view~trace.step~3.end");
  await page.getByRole("group", { name: "Log", exact: true }).waitFor();
  await page.getByRole("group", { name: "Trace", exact: true }).waitFor();
  await page.locator(".count", { hasText: "3 of 5" }).waitFor();
});

test("a word of the lesson lights what it stands for", async (t) => {
  const page = await stage.open(t, "#1~chat.at~3s.end");
  await standAt(page, 3);
  const before = await page.locator(".stage canvas").screenshot();
  await page.locator(".lesson .word").first().hover();
  await page.waitForFunction(() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(() => seen(true)))));
  assert.notDeepEqual(await page.locator(".stage canvas").screenshot(), before);
});

test("what was done survives that the page is loaded again", async (t) => {
  const page = await stage.open(t, "");
  await standAt(page, 3);
  await page.keyboard.press("2");
  await page.getByRole("group", { name: "Log", exact: true }).waitFor();
  await page.getByRole("group", { name: "Components" }).getByRole("button", { name: "sender-1, up" }).focus();
  await page.keyboard.press("k");
  await page.getByRole("button", { name: "sender-1, crashed" }).waitFor({ state: "attached" });
  await page.reload();
  await page.getByRole("button", { name: "sender-1, crashed" }).waitFor({ state: "attached" });
  await page.getByRole("group", { name: "Log", exact: true }).waitFor();
  assert.equal(await clock(page), 3);
  // Gone to by its address, it begins anew.
  await page.goto("about:blank");
  await page.goto(stage.host.url);
  await page.getByRole("button", { name: "sender-1, up" }).waitFor({ state: "attached" });
});
