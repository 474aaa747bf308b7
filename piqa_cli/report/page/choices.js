"use strict";
// The stars and flags that a person gives. Kept by photo, with undo, in the browser's storage where there is one.
const Choices = (() => {
  const PREFIX = "piqa-report:";
  const KEY = `${PREFIX}${Photos.data?.id ?? "unknown"}`;
  const made = new Map(); // photo -> { stars: 0-5 | undefined, decision: "pick" | "reject" | undefined }
  const touched = new Set(); // photos with a mark, and those that had one: that it was taken back is kept, too
  const byName = new Map();
  const byPlace = new Map(); // by the whole path alone, which means the same in every report
  const past = [];
  const future = [];
  let waiting = null;
  let stores = true;

  // `path` is as it was typed, the next report may spell it otherwise; earlier pages stored their choices by it.
  const path = (i) => Photos.get(i, "path") ?? String(i);
  const name = (i) => Photos.get(i, "photo") ?? path(i);
  for (let i = 0; i < Photos.count; i += 1) {
    byName.set(path(i), i).set(name(i), i);
    if (Photos.get(i, "photo")) byPlace.set(name(i), i);
  }

  const of = (i) => made.get(i) ?? {};
  const decision = (i) => of(i).decision ?? null;
  const ownStars = (i) => of(i).stars ?? null;
  const stars = (i) => ownStars(i) ?? Photos.suggested(i);

  function put(i, choice) {
    touched.add(i);
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
    const entries = [...touched].map((i) => [name(i), ownStars(i), decision(i)]);
    try {
      localStorage.setItem(KEY, JSON.stringify({ version: 1, saved: Date.now(), choices: entries }));
      stores = true;
    } catch {
      if (stores) State.emit("unsaved");
      stores = false;
    }
  }

  function valid([, s, d]) {
    const goodStars = s === null || (Number.isInteger(s) && s >= 0 && s <= 5);
    return goodStars && [null, "pick", "reject"].includes(d);
  }

  // What a report stored of the photos with a name in `known` -> { saved, choices: [[photo, choice], ...] }, or null
  function read(key, known) {
    let stored = null;
    try {
      stored = JSON.parse(localStorage.getItem(key));
    } catch {
      return null; // no storage, or something that this page did not write
    }
    if (stored?.version !== 1 || !Array.isArray(stored.choices)) return null;
    const choices = stored.choices.filter((entry) => Array.isArray(entry) && known.has(entry[0]) && valid(entry))
      .map(([photo, s, d]) => [known.get(photo), { stars: s ?? undefined, decision: d ?? undefined }]);
    return { saved: Number(stored.saved) || 0, choices };
  }

  function load() {
    const stored = read(KEY, byName);
    if (!stored) return;
    made.clear();
    for (const [photo, choice] of stored.choices) put(photo, choice);
  }

  // Where nobody marked anything yet, what reports with more or fewer of these photos say last of each, as one step that
  // can be undone. -> how many photos got marks
  function inherit() {
    let keys = [];
    try {
      keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    } catch {
      return 0; // no storage
    }
    if (keys.includes(KEY)) return 0;
    const others = keys.map((key) => read(key, byPlace)).filter(Boolean).sort((a, b) => a.saved - b.saved);
    return take([...new Map(others.flatMap(({ choices }) => choices))]);
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
  const inherited = inherit();

  return { inherited, decision, ownStars, stars, change, take, all: () => [...made.keys()],
    undo: () => travel(past, future, "before"), redo: () => travel(future, past, "after"),
    canUndo: () => past.length > 0 };
})();
