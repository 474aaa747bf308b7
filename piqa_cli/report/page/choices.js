"use strict";
// The stars and flags that a person gives. Kept by photo, with undo, in the browser's storage where there is one.
const Choices = (() => {
  const KEY = `piqa-report:${Photos.data?.id ?? "unknown"}`;
  const made = new Map(); // photo -> { stars: 0-5 | undefined, decision: "pick" | "reject" | undefined }
  const byName = new Map();
  const past = [];
  const future = [];
  let waiting = null;
  let stores = true;

  // `path` is as it was typed, the next report may spell it otherwise; earlier pages stored their choices by it.
  const path = (i) => Photos.get(i, "path") ?? String(i);
  const name = (i) => Photos.get(i, "photo") ?? path(i);
  for (let i = 0; i < Photos.count; i += 1) byName.set(path(i), i).set(name(i), i);

  const of = (i) => made.get(i) ?? {};
  const decision = (i) => of(i).decision ?? null;
  const ownStars = (i) => of(i).stars ?? null;
  const stars = (i) => ownStars(i) ?? Photos.suggested(i);

  function put(i, choice) {
    if (choice.stars === undefined && choice.decision === undefined) made.delete(i);
    else made.set(i, choice);
  }

  function changed(photos) {
    waiting ??= setTimeout(save, 300);
    State.emit("choice", photos);
  }

  // Several photos at once are one step of undo. -> how many of them got another mark
  function commit(steps) {
    const real = steps.filter(({ before, after }) => before.stars !== after.stars || before.decision !== after.decision);
    if (!real.length) return 0;
    real.forEach(({ photo, after }) => put(photo, after));
    past.push(real);
    future.length = 0;
    changed(real.map(({ photo }) => photo));
    return real.length;
  }

  const change = (photos, patch) => commit(photos.map((i) => ({ photo: i, before: of(i), after: { ...of(i), ...patch } })));
  const take = (pairs) => commit(pairs.map(([i, choice]) => ({ photo: i, before: of(i), after: choice })));

  function travel(from, to, side) {
    const steps = from.pop();
    if (!steps) return [];
    steps.forEach((step) => put(step.photo, step[side]));
    to.push(steps);
    const photos = steps.map(({ photo }) => photo);
    changed(photos);
    return photos;
  }

  function save() {
    clearTimeout(waiting);
    waiting = null;
    const entries = [...made].map(([i, { stars: s, decision: d }]) => [name(i), s ?? null, d ?? null]);
    try {
      localStorage.setItem(KEY, JSON.stringify({ version: 1, choices: entries }));
      stores = true;
    } catch {
      if (stores) State.emit("unsaved");
      stores = false;
    }
  }

  function valid([photo, s, d]) {
    const goodStars = s === null || (Number.isInteger(s) && s >= 0 && s <= 5);
    return byName.has(photo) && goodStars && [null, "pick", "reject"].includes(d);
  }

  function load() {
    let stored = null;
    try {
      stored = JSON.parse(localStorage.getItem(KEY));
    } catch {
      return; // no storage, or something that this page did not write
    }
    if (stored?.version !== 1 || !Array.isArray(stored.choices)) return;
    made.clear();
    for (const entry of stored.choices.filter(Array.isArray).filter(valid)) {
      put(byName.get(entry[0]), { stars: entry[1] ?? undefined, decision: entry[2] ?? undefined });
    }
  }

  const flush = () => waiting !== null && save();
  addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", flush);
  addEventListener("beforeunload", (event) => {
    flush();
    if (!stores && made.size) event.preventDefault(); // the browser asks whether to leave
  });
  addEventListener("storage", (event) => { // the same report in another tab
    if (event.key !== KEY) return;
    load();
    State.emit("choice", [...Array(Photos.count).keys()]);
  });
  load();

  return { decision, ownStars, stars, change, take, all: () => [...made.keys()],
    undo: () => travel(past, future, "before"), redo: () => travel(future, past, "after"),
    canUndo: () => past.length > 0 };
})();
