// What one stands at goes out as files, and a scenario comes in from one.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setUp } from "./harness.mjs";
import { notice, standAt } from "./gestures.mjs";

const stage = await setUp();

/** Presses a button of the share dialog and reads the file that the browser gets. */
async function saved(page, name) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

test("the moment is saved as pictures, as a scenario, and as a report", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 2);
  await page.locator("#share").click();
  const svg = await saved(page, "Stage, SVG");
  assert.match(svg.name, /^chat-.*s\.svg$/);
  assert.match(svg.bytes.toString(), /^<svg[^]*gateway-1[^]*<\/svg>\n$/);
  const png = await saved(page, "Stage, PNG");
  assert.equal(png.bytes.subarray(1, 4).toString(), "PNG");
  const scenario = await saved(page, "Scenario, JSON");
  assert.equal(scenario.name, "chat.json");
  assert.equal(JSON.parse(scenario.bytes.toString()).name, "chat");
  const report = await saved(page, "Report, Markdown");
  assert.match(report.bytes.toString(), /## What must hold[^]*holds so far/);
  assert.ok(report.bytes.toString().includes(`${stage.host.url}/`), "its links lead to this page");
});

test("a scenario is opened from a file, and what is wrong with one is said", async (t) => {
  const page = await stage.open(t);
  await standAt(page, 1);
  await page.locator("#share").click();
  const json = JSON.parse((await saved(page, "Scenario, JSON")).bytes.toString());
  const file = (text) => ({ name: "mine.json", mimeType: "application/json", buffer: Buffer.from(text) });
  await page.locator("#open-file").setInputFiles(file(JSON.stringify({ ...json, groups: [{ name: "x", kind: "toaster" }] })));
  await notice(page, "toaster");
  await page.locator("#open-file").setInputFiles(file(JSON.stringify({ ...json, name: "mine", title: "Mine own chat" })));
  await page.locator(".dialog").waitFor({ state: "detached" });
  assert.equal(await page.locator("#scenario").inputValue(), "mine");
});
