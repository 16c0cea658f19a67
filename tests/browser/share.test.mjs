// A moment travels as a link: the same run opens elsewhere, and what is no link is said to be none.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setUp } from "./harness.mjs";
import { clock, clockPasses, componentIs, later, notice, press, standAt } from "./gestures.mjs";

const stage = await setUp();

/** A link to a moment two seconds after a sender's death, made by hand in the page. */
async function shared(page) {
  await standAt(page, 2);
  await press(page, "sender-1", "k");
  await later(page, 2);
  await page.locator("#share").click();
  return page.locator("#link-moment").inputValue();
}

const fragment = (link) => link.slice(link.indexOf("#"));

test("a shared moment is the same in a fresh browser, to the digest", async (t) => {
  const page = await stage.open(t, "", { permissions: ["clipboard-read", "clipboard-write"] });
  const link = await shared(page);
  await page.locator("#copy-moment").click();
  await page.locator("#copy-moment", { hasText: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
  assert.match(await page.locator("#link-figure").inputValue(), /^<iframe src="[^"]*\?embed=1#1~chat[^"]*" title=/);
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog").count(), 0);

  const other = await stage.open(t, fragment(link));
  await notice(other, /replayed to the same digest/);
  assert.equal(await clock(other), 4);
  await componentIs(other, "sender-1", "crashed");
  await other.locator("#share").click();
  assert.equal(fragment(await other.locator("#link-moment").inputValue()), fragment(link), "and is shared on unchanged");
  await other.keyboard.press("Escape");
  await later(other, 2);
  await componentIs(other, "sender-3", "up");
});

test("where copying is not allowed, the link is there to copy by hand", async (t) => {
  const page = await stage.open(t);
  // As in a frame of somebody's page, or without https.
  await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  const link = await shared(page);
  await page.locator("#copy-moment").click();
  await page.locator("#copy-moment", { hasText: "Press Ctrl-C" }).waitFor();
  assert.equal(await page.evaluate(() => getSelection().toString()), link);
});

test("what is no link is told in a sentence, and the chat runs", async (t) => {
  const maker = await stage.open(t);
  const link = fragment(await shared(maker));
  const flipped = link.slice(0, 20) + (link[20] === "a" ? "b" : "a") + link.slice(21);
  const broken = {
    "without its end": [link.slice(0, -6), /incomplete|end is missing|copied whole/i],
    "with a byte changed": [flipped, /damaged|changed|incomplete/i],
    "of a later version": ["#9.chat", /later version/],
    "of a scenario that is not there": ["#1.chta", /did you mean "chat"/],
    "of 300 kB": [`#1.${"x".repeat(300_000)}`, /30000\d characters long/],
    "of percent signs": ["#%E0%A4%A", /a character that no link has/],
    "with a script": ["#1.chat.<script>window.hurt=1</script>", /a character that no link has/],
    "with a picture that fails": ["#1.<img src=x onerror=window.hurt=1>", /a character that no link has/],
  };
  for (const [what, [hash, told]] of Object.entries(broken)) {
    await t.test(`a link ${what}`, async (t) => {
      const page = await stage.open(t, hash);
      const said = page.getByRole("status").locator("li");
      await said.filter({ hasText: "from its beginning." }).waitFor();
      assert.match(await said.innerText(), told);
      assert.equal(await page.evaluate(() => window.hurt), undefined);
      await clockPasses(page, 0);
      await said.getByRole("button", { name: "Dismiss" }).click();
      await said.waitFor({ state: "detached" });
    });
  }
  await t.test("a link pasted into the open page", async (t) => {
    const page = await stage.open(t);
    await page.evaluate((link) => (location.hash = link), link);
    await notice(page, /replayed to the same digest/);
    assert.equal(await clock(page), 4);
    await page.evaluate(() => (location.hash = "#1.chta"));
    await notice(page, /did you mean/);
    await clockPasses(page, 0);
  });
});

test("a link to a late moment goes there before one's eyes, arrives, and says so", async (t) => {
  const page = await stage.open(t, "#1~chat.kill~sender-1~5s.at~1200s.end");
  await page.locator("#play[aria-label=Play]").waitFor();
  await page.locator("#clock", { hasText: "1200.000" }).waitFor();
  await page.locator(".journey").waitFor({ state: "detached" });
  await page.locator("#share").click();
  const link = (await page.locator("#link-moment").inputValue()).split("#")[1];
  const again = await stage.open(t, `#${link}`);
  await notice(again, /replayed to the same digest/);
  assert.equal(await clock(again), 1200);
});
