// What a frame costs: N components, three links each, M messages under way, on a stage of 1200×700 without a GPU, as
// a ratio to a bare canvas loop (an arc and a fill a dot) in the same browser. It is the processor time of all of the
// browser's processes that counts: what a script hands to the rasterizer is not free.
//
//   make bench ONLY=painting
//   FAULTLINE_DIST=dist FAULTLINE=target/release/faultline node tools/painting.mjs [NxM…]

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { DIST, launch, started, visit } from "../tests/browser/harness.mjs";
import { serve } from "./server.mjs";

/** How long a stretch is measured, in milliseconds, and how many of each there are, one after the other in turn. */
const STRETCH = Number(process.env.STRETCH ?? 4000);
const TURNS = Number(process.env.TURNS ?? 3);
const SCENES = process.argv.length > 2 ? process.argv.slice(2) : ["100x1000", "1000x10000", "10000x100000"];
const [WIDTH, HEIGHT] = [1200, 700];
/** Messages are under way for so many seconds. */
const DELAY = 5;

const document_ = (nodes, messages) => `
name = "crowd"
title = "Crowd"
layout = "${process.env.LAYOUT ?? "grid"}"
[[groups]]
name = "callers"
kind = "generator"
count = ${nodes - 3}
config = { rate = ${messages / (nodes - 3) / 2 / DELAY}, timeout = "60s" }
[[groups]]
name = "servers"
kind = "server"
count = 3
cores = 1000
inbox = 100000
service = { constant = "1ms" }
[[links]]
between = ["callers", "servers"]
delay.uniform = { min = "${DELAY * 0.5}s", max = "${DELAY * 1.5}s" }
`;

const bare = (nodes, messages) => `<!doctype html><canvas width="${WIDTH}" height="${HEIGHT}"></canvas><script>
const cx = document.querySelector("canvas").getContext("2d");
let seed = 1; const luck = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const nodes = Array.from({ length: ${nodes} }, () => [luck() * ${WIDTH}, luck() * ${HEIGHT}]);
const links = Array.from({ length: ${3 * nodes} }, (_, i) => [nodes[i % nodes.length], nodes[(luck() * nodes.length) | 0]]);
const dots = Array.from({ length: ${messages} }, () => [links[(luck() * links.length) | 0], luck(), 0.1 + luck() * 0.2]);
const colours = ["#56b4e9", "#e69f00", "#d783ae", "#1fb187"];
function frame(now) {
  cx.fillStyle = "#10151c"; cx.fillRect(0, 0, ${WIDTH}, ${HEIGHT});
  cx.strokeStyle = "#667482";
  for (const [a, b] of links) { cx.beginPath(); cx.moveTo(a[0], a[1]); cx.lineTo(b[0], b[1]); cx.stroke(); }
  cx.fillStyle = "#11273a"; cx.strokeStyle = "#56b4e9";
  for (const [x, y] of nodes) { cx.beginPath(); cx.arc(x, y, 4, 0, 7); cx.fill(); cx.stroke(); }
  dots.forEach(([[a, b], at, speed], i) => {
    const t = (at + (now / 1000) * speed) % 1;
    cx.fillStyle = colours[i & 3]; cx.beginPath();
    cx.arc(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, 2, 0, 7); cx.fill();
  });
  if (!document.away) requestAnimationFrame(frame);
}
document.addEventListener("visibilitychange", () => { document.away = document.hidden; frame(0); });
</script>`;

/** All processes that this one has started, and theirs. */
function descendants() {
  const parents = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {} // it has ended in the meantime
  }
  const ours = new Set([process.pid]);
  for (let size = 0; size !== ours.size; ) {
    size = ours.size;
    for (const [pid, parent] of parents) if (ours.has(parent)) ours.add(pid);
  }
  ours.delete(process.pid);
  return ours;
}

/** The processor time of the browser, in milliseconds. */
function cpu() {
  let ticks = 0;
  for (const pid of descendants()) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {}
  }
  return ticks * 10; // a hundred ticks a second, on every Linux
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Counts frames for a while. */
const frames = (page) =>
  page.evaluate(
    (stretch) =>
      new Promise((done) => {
        const times = [];
        const frame = (now) => {
          times.push(now);
          if (now - times[0] < stretch) requestAnimationFrame(frame);
          else done(times);
        };
        requestAnimationFrame(frame);
      }),
    STRETCH,
  );

/** Lets a page believe that it is seen, or not: a headless browser shows all of its pages at once. */
const seen = (page, is) =>
  page.evaluate((is) => {
    Object.defineProperty(document, "hidden", { value: !is, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, is);

async function stretch(page, other) {
  await seen(other, false);
  await seen(page, true);
  await page.waitForTimeout(500);
  const before = cpu();
  const times = await frames(page);
  const spent = cpu() - before;
  const gaps = times.slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b);
  return { frame: spent / gaps.length, p50: gaps[gaps.length >> 1], p95: gaps[Math.floor(gaps.length * 0.95)] };
}

const folder = mkdtempSync(join(tmpdir(), "painting-"));
const host = await serve({ root: DIST });
console.log(`painting: processor time a frame, ${TURNS} stretches of ${STRETCH} ms each in turn, medians`);
console.log("painting:      scene   bare ms   ours ms     ratio    frame p50    frame p95   bare p50");
for (const scene of SCENES) {
  const [nodes, messages] = scene.split(/[x×]/).map(Number);
  const file = join(folder, `${scene}.toml`);
  writeFileSync(file, document_(nodes, messages));
  const [program, ...run] = process.env.FAULTLINE?.split(" ") ?? ["cargo", "run", "--quiet", "--release", "--"];
  const link = execFileSync(program, [...run, "link", file], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  const browser = await launch();
  const ours = await visit(browser, `${host.url}/#${link}`, { width: WIDTH, height: HEIGHT, theme: "dark" });
  await started(ours.page);
  // All of the page is the stage, and the crowd is in full swing.
  await ours.page.addStyleTag({
    content: `.stage, .stage canvas { position: fixed !important; inset: 0; width: ${WIDTH}px !important; height: ${HEIGHT}px !important; z-index: 9 }`,
  });
  await ours.page.waitForTimeout(Number(process.env.WARM ?? 12000));
  if (process.env.SHOT) await ours.page.screenshot({ path: `${process.env.SHOT}-${scene}.png` });
  const other = await (await browser.newContext({ viewport: { width: WIDTH, height: HEIGHT } })).newPage();
  await other.setContent(bare(nodes, messages));
  const [we, they] = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    they.push(await stretch(other, ours.page));
    we.push(await stretch(ours.page, other));
  }
  const of = (list, field) => median(list.map((one) => one[field]));
  const [a, b] = [of(they, "frame"), of(we, "frame")];
  const columns = [a.toFixed(1), b.toFixed(1), (b / a).toFixed(3), `${of(we, "p50").toFixed(1)} ms`, `${of(we, "p95").toFixed(1)} ms`, `${of(they, "p50").toFixed(1)} ms`];
  console.log(`painting: ${scene.padStart(12)} ${columns.map((text) => text.padStart(10)).join("")}`);
  for (const error of ours.errors) console.log(`painting: the page says: ${error}`);
  await browser.close();
}
await host.close();
rmSync(folder, { recursive: true });
