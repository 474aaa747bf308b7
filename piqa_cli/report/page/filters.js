"use strict";
// Which photos are shown. Values of one facet are alternatives; facets, score range and text all have to hold.
const Filters = (() => {
  const NONE = "";
  const DECISIONS = [["pick", "Picked"], ["reject", "Rejected"], [NONE, "Not marked"]];
  const STATUSES = [["ok", "Face judged"], ["no_face", "No face"], ["error", "Not readable"]];
  const EYES = [["open", "Open"], ["closed", "Closed"], ["unknown", "Not sure"], [NONE, "No face"]];
  const STARS = [5, 4, 3, 2, 1, 0].map((n) => [n, n ? "★".repeat(n) : "No stars"]);

  // -> [value, how it is shown, all of it]
  function column(name, missing, shown = (value) => value) {
    const values = [...new Set([...Array(Photos.count).keys()].map((i) => Photos.get(i, name) ?? NONE))].sort();
    return values.map((value) => (value === NONE ? [value, missing] : [value, shown(value), value]));
  }

  const single = (name) => (i) => [Photos.get(i, name) ?? NONE];
  const eyesOf = (i) => (Photos.get(i, "status") === "error" ? [] : [Photos.get(i, "eyes") ?? NONE]); // nobody looked for a face
  const defectsOf = Array.from({ length: Photos.count }, (_, i) => {
    const found = Photos.found(i);
    return found.length ? found : [NONE];
  });

  const facets = [
    { id: "decision", title: "Your marks", values: DECISIONS, of: (i) => [Choices.decision(i) ?? NONE], always: true },
    { id: "stars", title: "Stars", values: STARS, of: (i) => [Choices.stars(i) ?? 0], always: true },
    { id: "defect", title: "Faults", of: (i) => defectsOf[i],
      values: [...Photos.defects.map((d) => [d, Photos.words(d)]), [NONE, "None found"]] },
    { id: "status", title: "Status", values: STATUSES, of: single("status") },
    { id: "eyes", title: "Eyes", values: EYES, of: eyesOf },
    { id: "camera", title: "Camera", values: column("camera", "Not known"), of: single("camera") },
    { id: "lens", title: "Lens", values: column("lens", "Not known"), of: single("lens") },
    { id: "folder", title: "Folder", values: column("folder", ".", Photos.folder), of: single("folder") },
  ];
  for (const facet of facets) Object.assign(facet, { chosen: new Set(), counts: new Map() });

  let range = null; // [low, high], both included
  let terms = [];
  const haystacks = [];
  const plain = (text) => text.normalize("NFC").toLowerCase(); // a Mac names files with letter and accent apart

  function haystack(i) {
    haystacks[i] ??= plain([Photos.name(i), ...["path", "camera", "lens", "reasons", "reason", "captured_at"].map((c) => Photos.get(i, c) ?? ""),
      Photos.group(i)?.label ?? ""].join(" "));
    return haystacks[i];
  }

  const inRange = (i) => {
    const score = Photos.score(i);
    return !range || (score !== null && score >= range[0] && score <= range[1]);
  };
  const matches = (i) => !terms.length || terms.every((term) => haystack(i).includes(term));
  const passes = (facet, i) => !facet.chosen.size || facet.of(i).some((value) => facet.chosen.has(value));

  function count(facet, i) {
    for (const value of facet.of(i)) facet.counts.set(value, (facet.counts.get(value) ?? 0) + 1);
  }

  // One pass: a photo that fails a single facet still counts there, so that every number says what a click would add.
  function run() {
    const visible = [];
    const scores = []; // of the photos that pass all but the range: what the histogram shows
    for (const facet of facets) facet.counts.clear();
    for (let i = 0; i < Photos.count; i += 1) {
      if (!matches(i)) continue;
      const failed = facets.filter((facet) => !passes(facet, i));
      const within = inRange(i);
      if (!failed.length && Photos.score(i) !== null) scores.push(Photos.score(i));
      if (!failed.length && within) {
        visible.push(i);
        for (const facet of facets) count(facet, i);
      } else if (failed.length === 1 && within) count(failed[0], i);
    }
    return { visible, scores };
  }

  function setRange(low, high) {
    const whole = low === null || (low <= 0 && high >= 100);
    range = whole ? null : [Math.min(low, high), Math.max(low, high)];
    State.emit("filter");
  }

  function setText(text) {
    terms = plain(text).split(/\s+/).filter(Boolean);
    State.emit("filter");
  }

  function toggle(id, value, only = false) {
    const { chosen } = facets.find((facet) => facet.id === id);
    const there = chosen.has(value);
    if (only) chosen.clear();
    if (there) chosen.delete(value);
    else chosen.add(value);
    State.emit("filter");
  }

  function clear() {
    range = null;
    terms = [];
    for (const facet of facets) facet.chosen.clear();
    State.emit("cleared");
    State.emit("filter");
  }

  const active = () => Boolean(range || terms.length || facets.some((facet) => facet.chosen.size));

  return { facets, run, setRange, setText, toggle, clear, active, get range() { return range; } };
})();
