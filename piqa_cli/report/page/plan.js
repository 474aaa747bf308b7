"use strict";
// The choices as the plan that `piqa rank --plan FILE` reads, and as a table for people.
const Plan = (() => {
  const LABELS = { pick: "Green", reject: "Red", keep: null };
  const REJECTED = -1;

  const decisionOf = (i) => Choices.decision(i) ?? "keep";

  function item(i, mark) {
    const decision = decisionOf(i);
    const score = Photos.score(i);
    return {
      photo: Photos.get(i, "photo"),
      mates: Photos.get(i, "mates") ?? [],
      stars: decision === "reject" ? REJECTED : Choices.ownStars(i),
      label: LABELS[decision],
      decision,
      score: score === null ? null : Math.round(score * 100) / 100,
      reasons: ["chosen in the report", ...Photos.reasons(i)],
      group: Photos.group(i)?.label ?? null,
      mark,
      move: null,
      destination: null,
      by_hand: true,
    };
  }

  const now = () => new Date().toISOString().replace(/\.\d+Z$/, "+00:00");
  const exportable = () => Choices.all().filter((i) => Photos.get(i, "photo")).sort((a, b) => a - b);

  // Names whose bytes are no UTF-8 arrive as lone surrogates; everything beyond ASCII is escaped, as Python does it.
  const escaped = (text) => text.replace(/[^\x00-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

  function json({ naming, embed, overwrite }) {
    const options = { xmp_naming: naming, embed, overwrite_ratings: overwrite, keep_modified: true };
    const source = `choices made in the report on ${Photos.data.source ?? Photos.data.title ?? "photos"}`;
    const items = exportable().map((i) => item(i, true));
    return escaped(`${JSON.stringify({ kind: "piqa rank plan", version: 1, created: now(), source, options, items }, null, 1)}\n`);
  }

  // A file cannot hold lone surrogates: the bytes that they stand for are written as the score table writes them.
  const written = (text) => text.replace(/[\udc80-\udcff]/gu, (c) => `\\x${(c.charCodeAt(0) & 0xff).toString(16)}`);
  const quoted = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

  function csv() {
    const rows = exportable().map((i) => {
      const { photo, decision, stars, label, score, group, reasons, mates } = item(i, true);
      return [photo, decision, stars, label, score, group, reasons.join("; "), JSON.stringify(mates.map(written))];
    });
    const lines = [["photo", "decision", "stars", "label", "score", "group", "reasons", "mates"], ...rows];
    return lines.map((line) => `${line.map((value) => quoted(written(String(value ?? "")))).join(",")}\r\n`).join("");
  }

  // The path of a photo as either form writes it -> the photo.
  function places() {
    const found = new Map();
    for (let i = 0; i < Photos.count; i += 1) {
      const photo = Photos.get(i, "photo");
      if (photo) found.set(written(photo), i).set(photo, i);
    }
    return found;
  }

  function download(text, type, name) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    Dom.make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  }

  return { json, csv, download, exportable, places };
})();
