// What axe-core says of the page in every state, dark and light: nothing serious.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load, setUp } from "./harness.mjs";
import { standAt } from "./gestures.mjs";

const stage = await setUp();
const { source } = load("axe-core");

/** What is seriously wrong, as lines. */
async function wrong(page) {
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter((rule) => ["serious", "critical"].includes(rule.impact))
    .flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${rule.help}: ${node.target.join(" ")}: ${node.failureSummary}`));
}

const BROKEN =
  "#1~chat.dial~acknowledge~before-store~500ms.kill~sender-1~2s.kill~sender-2~3s.at~3500ms.end";

/** Every state: its name, the link, and what leads to it. */
const STATES = [
  ["the opening page", "", async () => {}],
  ["a component selected", "#1~chat.at~3s.pick~gateway-1.end", async (page) => page.locator("#inspector").waitFor()],
  ["a menu", "#1~chat.at~3s.pick~gateway-1.end", async (page) => {
    await page.locator("#inspector").waitFor();
    await page.keyboard.press("m");
    await page.getByRole("menu").waitFor();
  }],
  ["the keys", "#1~chat.at~3s.end", async (page) => {
    await standAt(page, 3);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
  }],
  ["the share dialog", "#1~chat.at~3s.end", async (page) => {
    await page.locator("#share").click();
    await page.getByRole("dialog").waitFor();
  }],
  ["breakpoints", "#1~chat.at~3s.end", async (page) => {
    await page.locator("#breaks").click();
    await page.getByRole("dialog").waitFor();
  }],
  ["diagram and log", "#1~raft.at~4s.view~space-time.view~log.end", async (page) => {
    await page.getByRole("group", { name: "Space–time", exact: true }).waitFor();
  }],
  ["trace and charts", "#1~raft.at~4s.view~trace.view~charts.end", async (page) => {
    await page.getByRole("group", { name: "Charts", exact: true }).waitFor();
  }],
  ["a broken promise", BROKEN, async (page) => {
    await page.locator("#verdict.broken").waitFor();
    await page.locator("#promises").click();
    await page.getByRole("button", { name: "Copy the link" }).first().waitFor();
  }],
  ["a lecture", "#1~chat.step~2.at~3s.end", async (page) => {
    await page.locator("#lecture").click();
    await page.locator(".page.lecture").waitFor();
  }],
  ["a figure", "?embed=1#1~chat.at~3s.end", async (page) => page.locator("figure canvas").waitFor()],
  ["a link that is wrong", "#1~chat.kil~a~1s.end", async (page) => page.locator(".notices .warn").waitFor()],
];

for (const theme of ["dark", "light"]) {
  for (const [name, link, reach] of STATES) {
    test(`${name}, ${theme}`, async (t) => {
      const page = await stage.open(t, link, { theme });
      await reach(page);
      assert.deepEqual(await wrong(page), []);
    });
  }
  test(`a narrow screen, ${theme}`, async (t) => {
    const page = await stage.open(t, "#1~lease.at~3s.pick~buyer-1.end", { theme, width: 390, height: 844 });
    await page.locator("#inspector").waitFor();
    assert.deepEqual(await wrong(page), []);
  });
}

test("what axe looks for, it finds", async (t) => {
  const page = await stage.open(t, "#1~chat.at~3s.end");
  await page.evaluate(() => document.querySelector("#share").parentElement.append(document.createElement("button")));
  assert.match((await wrong(page)).join(), /button-name/);
});
