// The wasm comes in two parts (tools/split.mjs): the page starts with the first, and nobody needs to know of the later
// one. And what stands there when something of ours breaks.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { DIST, screenshot, serve, setUp, started, visit } from "./harness.mjs";
import { clock, clockPasses } from "./gestures.mjs";

const LATER = "/faultline_later.wasm";
const stage = await setUp();
// A development build is in one part.
const whole = !existsSync(`${DIST}${LATER}`) && "this build is in one part";

test("a page asks for the later part when it has started", { skip: whole }, async (t) => {
  const page = await stage.goto(t, "about:blank");
  const asked = page.waitForRequest((request) => request.url().includes(LATER));
  await page.goto(`${stage.host.url}/`);
  assert.equal((await asked).resourceType(), "fetch");
});

test("a figure plays without the later part, until a reader turns to it", { skip: whole }, async (t) => {
  const host = await serve({ root: DIST });
  t.after(() => host.close());
  const page = await stage.goto(t, `${host.url}/?embed=1`);
  await started(page);
  await clockPasses(page, 3);
  assert(!host.requests.includes(LATER), "nobody turned to it");
  const asked = page.waitForRequest((request) => request.url().includes(LATER));
  await page.mouse.move(300, 300);
  await asked;
});

test("who is quicker than the later part has it at once", { skip: whole }, async (t) => {
  const bytes = readFileSync(`${DIST}${LATER}`);
  let asked = 0;
  const host = await serve({
    root: DIST,
    pages: {
      // The first request, the page's own, comes to nothing.
      [LATER]: (_, response) => {
        asked += 1;
        if (asked === 1) response.writeHead(503).end();
        else response.writeHead(200, { "Content-Type": "application/wasm" }).end(bytes);
      },
    },
  });
  t.after(() => host.close());
  const { page } = await visit(stage.browser, `${host.url}/`); // the 503 is meant
  t.after(() => page.context().close());
  const refused = page.waitForResponse((response) => response.status() === 503);
  await started(page);
  await refused;
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("dialog").waitFor();
  assert.equal(asked, 2);
});

test("where the later part cannot be had, the page says so and leads back", { skip: whole }, async (t) => {
  const pages = { [LATER]: (_, response) => response.writeHead(404).end() };
  const host = await serve({ root: DIST, pages });
  t.after(() => host.close());
  const { page } = await visit(stage.browser, `${host.url}/`); // the 404 is meant
  t.after(() => page.context().close());
  await started(page);
  await page.keyboard.press("?");
  const told = page.getByRole("alertdialog");
  await told.waitFor();
  await screenshot(page, "later-missing");
  assert.match(await told.textContent(), /could not be fetched/);
});

test("a mistake of ours leads back to the moment before it", async (t) => {
  // Far from the beginning, where a page that went back to nothing would start.
  const { page } = await visit(stage.browser, `${stage.host.url}/#1~chat.at~20s.play.end`);
  t.after(() => page.context().close());
  await started(page);
  await clockPasses(page, 20);
  const at = await clock(page); // what is broken may take the clock with it
  // Somebody took away what Yew believes to be there: the next change of the page cannot be made.
  await page.evaluate(() => {
    const put = Node.prototype.insertBefore;
    Node.prototype.insertBefore = function (...given) {
      if (this.ownerDocument === document && this.closest?.("#app")) throw new Error("broken by a test");
      return put.apply(this, given);
    };
  });
  await page.keyboard.press("?");
  const told = page.getByRole("alertdialog", { name: "Faultline has stopped" });
  await told.waitFor();
  await screenshot(page, "stopped");
  assert.match(await told.textContent(), /mistake of ours/);
  await Promise.all([page.waitForEvent("load"), told.getByRole("link").click()]);
  await started(page);
  await clockPasses(page, at);
  assert((await clock(page)) - at < 2, "the way back leads to where it stopped");
});
