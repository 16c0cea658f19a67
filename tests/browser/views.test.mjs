// The linked views: a message is the same one on the stage, in the diagram, in the log and in the inspector.

import assert from "node:assert/strict";
import { test } from "node:test";
import { screenshot, setUp } from "./harness.mjs";
import { clock, later, notice, picture, standAt, sticksOut } from "./gestures.mjs";

const stage = await setUp();

const diagram = (page) => page.getByRole("group", { name: "Space–time", exact: true });
const logView = (page) => page.getByRole("group", { name: "Log", exact: true });
const messages = (page) => diagram(page).getByRole("group", { name: "Messages" }).getByRole("button");

/** Where a message of the diagram begins and ends on the page, and its words. */
async function drawn(page, message) {
  const canvas = await diagram(page).locator("canvas").boundingBox();
  const at = async (name) => Number(await message.getAttribute(name));
  const [x, y, toX, toY] = await Promise.all(["data-x", "data-y", "data-to-x", "data-to-y"].map(at));
  return { x: canvas.x + x, y: canvas.y + y, toX: canvas.x + toX, toY: canvas.y + toY, words: await message.innerText() };
}

test("the diagram opens by key and by button, and a click on a message tells what it is", async (t) => {
  const page = await stage.open(t, "#1~raft.end");
  await standAt(page, 3);
  await page.keyboard.press("1");
  await diagram(page).locator("canvas").waitFor();
  assert.equal(await page.locator("#view-space-time").getAttribute("aria-pressed"), "true");
  const message = messages(page).filter({ hasText: "AppendEntries" }).nth(3);
  const { x, y, toX, toY } = await drawn(page, message);
  const before = await picture(page);
  await page.mouse.click((x + toX) / 2, (y + toY) / 2);
  await page.locator("#inspector").getByText("message", { exact: true }).waitFor();
  await page.mouse.move(5, 5);
  assert.notEqual(await picture(page), before, "the stage shows its way");
  await screenshot(page, "views-diagram");
  await page.locator("#view-space-time").click();
  await diagram(page).waitFor({ state: "detached" });
});

test("by keys one goes from message to message and along causes", async (t) => {
  const page = await stage.open(t, "#1~raft.end");
  await standAt(page, 3);
  await page.keyboard.press("1");
  await diagram(page).locator("canvas").focus();
  await page.keyboard.press("ArrowUp");
  const title = page.locator("#inspector h2");
  await title.waitFor();
  const because = page.locator("#inspector dt", { hasText: "because" });
  // Back to one that another brought about.
  for (let steps = 0; steps < 20 && !/Reply/.test(await title.innerText()); steps++) await page.keyboard.press("ArrowUp");
  await title.filter({ hasText: "Reply" }).waitFor();
  await because.waitFor();
  await page.keyboard.press("Shift+ArrowUp");
  await title.filter({ hasNotText: "Reply" }).waitFor();
});

test("a message is dragged to arrive later, and what was before is kept", async (t) => {
  const page = await stage.open(t, "#1~raft.end");
  await standAt(page, 3);
  await page.keyboard.press("1");
  const message = messages(page).filter({ hasText: "AppendEntries" }).nth(8);
  const { toX, toY, x } = await drawn(page, message);
  assert(toX > x, "it takes time");
  await page.mouse.move(toX - 1, toY + (toY > 0 ? 0 : 1));
  await page.mouse.down();
  await page.mouse.move(toX + 20, toY, { steps: 4 });
  await page.mouse.move(toX + 40, toY, { steps: 4 });
  await screenshot(page, "views-drag");
  await page.mouse.up();
  await notice(page, /arrives at server-\d at \d\.\d+ s now/);
  await page.getByRole("button", { name: "Take back" }).and(page.locator("[aria-disabled=false]")).waitFor();
  await page.locator(".courses li").nth(1).waitFor();
  assert.equal(await clock(page), 3, "one stands where one stood");
});

test("the log is filtered by kind, component and expression, and leads to moment and message", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 4);
  await page.keyboard.press("2");
  const lines = logView(page).locator(".lines li");
  await lines.first().waitFor();
  await logView(page).getByLabel("Which lines").selectOption("messages");
  await logView(page).getByLabel("Of which component").selectOption("gateway-1");
  await logView(page).getByRole("searchbox").fill("/^client-\\d+ →/");
  await page.waitForFunction(() =>
    [...document.querySelectorAll(".logbook .lines li")].every((line) => /client-\d/.test(line.textContent)),
  );
  const [at, first] = [lines.first().locator(".at"), lines.first().locator(".what")];
  const time = await at.innerText();
  const before = await picture(page);
  await first.hover();
  await page.waitForFunction(() => document.querySelector(".lines .what:hover"));
  assert.notEqual(await picture(page), before, "what one points at lights up on the stage");
  await first.click();
  await page.locator("#inspector").getByText("message", { exact: true }).waitFor();
  await page.locator(".lines li.current").first().waitFor();
  assert.equal(await clock(page), 4, "to select is not to go");
  await at.click();
  await page.waitForFunction((time) => document.querySelector("#clock").textContent.startsWith(time), time);

  await logView(page).getByRole("searchbox").fill("/(/");
  await logView(page).getByText("This expression cannot be read.").waitFor();
  await logView(page).getByRole("searchbox").fill("");
  await logView(page).getByRole("button", { name: "Follow" }).click();
  const stood = await lines.first().innerText();
  await later(page, 1);
  assert.equal(await lines.first().innerText(), stood, "it does not go on");
  await screenshot(page, "views-log");
});

test("two views stand beside each other, as high as one wants them, and nothing sticks out", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  await page.keyboard.press("1");
  await page.keyboard.press("2");
  const height = async () => (await page.locator(".dock").boundingBox()).height;
  const before = await height();
  await page.getByRole("separator", { name: "Height of the views" }).press("ArrowUp");
  await page.waitForFunction((before) => document.querySelector(".dock").clientHeight > before, before);
  for (const width of [800, 1024, 1440]) {
    await page.setViewportSize({ width, height: 800 });
    await page.waitForFunction((width) => document.querySelector(".dock").clientWidth === width, width);
    assert.deepEqual(await sticksOut(page), [], `what leaves the window at ${width} pixels`);
  }
});

test("on a phone the views are a sheet", async (t) => {
  const page = await stage.open(t, "", { width: 390, height: 844, hasTouch: true, isMobile: true });
  await standAt(page, 2);
  await page.getByRole("tab", { name: "Views" }).tap();
  await diagram(page).locator("canvas").waitFor();
  await screenshot(page, "phone-views");
  assert.deepEqual(await sticksOut(page), []);
  await diagram(page).getByRole("button", { name: "Shut Space–time" }).tap();
  await page.getByRole("tab", { name: "Lesson", selected: true }).waitFor();
});
