// The gallery: finding, cards that run while one points at them, and what of the lessons is done.
(() => {
  const cards = [...document.querySelectorAll(".card")];
  const form = document.querySelector(".find");
  const told = form.querySelector("output");
  const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const texts = new Map(cards.map((card) => [card, folded(`${card.dataset.name} ${card.textContent}`)]));

  const show = () => {
    const [wanted, level] = [folded(form.words.value).split(/\s+/), form.level.value];
    let shown = 0;
    for (const card of cards) {
      const fits = wanted.every((word) => texts.get(card).includes(word)) && (!level || card.dataset.level === level);
      card.hidden = !fits;
      shown += fits;
    }
    for (const shelf of document.querySelectorAll(".cards")) {
      const empty = [...shelf.children].every((card) => card.hidden);
      shelf.hidden = shelf.previousElementSibling.hidden = empty;
    }
    document.querySelector(".none").hidden = shown > 0;
    told.textContent = shown === cards.length ? "" : `${shown} of ${cards.length}`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());

  // One card runs at a time: the one that is pointed at, or has the focus.
  let wait;
  let runs;
  const stop = () => {
    clearTimeout(wait);
    runs?.remove();
    runs = undefined;
  };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const run = (card) => {
    stop();
    if (still.matches) return;
    wait = setTimeout(() => {
      const frame = Object.assign(document.createElement("iframe"), {
        src: `./?embed=1&controls=0#1.${card.dataset.name}`,
        tabIndex: -1,
        title: "",
      });
      frame.setAttribute("aria-hidden", "true");
      runs = Object.assign(document.createElement("span"), { className: "live" });
      runs.append(frame);
      frame.addEventListener("load", () => setTimeout(() => runs?.classList.add("runs"), 400));
      card.querySelector("picture").append(runs);
    }, 250);
  };
  for (const card of cards) {
    const stage = card.querySelector(".stage");
    stage.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && run(card));
    stage.addEventListener("pointerleave", stop);
    stage.addEventListener("focus", () => stage.matches(":focus-visible") && run(card));
    stage.addEventListener("blur", stop);
  }

  // What the laboratory has kept of lessons: how many of the tasks of each were done.
  const done = () => {
    try {
      return JSON.parse(localStorage.getItem("faultline.lessons")) ?? {};
    } catch {
      return {};
    }
  };
  const tick = () => {
    const kept = done();
    let next;
    for (const card of cards) {
      const [did, tasks] = [Number(kept[card.dataset.name]) || 0, Number(card.dataset.tasks)];
      const badge = card.querySelector(".done") ?? Object.assign(document.createElement("span"), { className: "done" });
      badge.textContent = did >= tasks ? "✓ done" : `${did} of ${tasks} done`;
      if (did > 0) card.querySelector(".meta").append(badge);
      else badge.remove();
      if (did < tasks) next ??= card;
    }
    const link = document.querySelector(".hero .next");
    link.hidden = !next;
    if (!next) return;
    link.href = next.querySelector(".stage").href;
    link.textContent = `Next: ${next.querySelector("h3").textContent}`;
  };
  tick();
  show();
  addEventListener("pageshow", tick);
})();
