"use strict";
// A plan read back: the JSON or CSV that this page exports, or what `piqa rank --plan-out` writes.
const PlanReader = (() => {
  const DECISIONS = ["pick", "keep", "reject"];
  const COLUMNS = ["photo", "decision"]; // that a table must have
  const REJECTED = -1;
  const MOST_QUOTED = 60; // characters of a value in a message

  class Refused extends Error {}

  const told = (value) => String(JSON.stringify(value)).slice(0, MOST_QUOTED);

  function item({ photo, decision, stars, mark }, where) {
    if (typeof photo !== "string" || !photo) throw new Refused(`${where} names no photo`);
    if (!DECISIONS.includes(decision)) throw new Refused(`${where}: decision ${told(decision)} is none of ${DECISIONS.join(", ")}`);
    const given = stars ?? null;
    const known = given === null || (Number.isInteger(given) && given >= REJECTED && given <= 5);
    if (!known) throw new Refused(`${where}: stars ${told(given)} are not between ${REJECTED} and 5`);
    const counts = mark !== false && given !== null && given !== REJECTED; // a plan without marks leaves ratings alone
    return { photo, choice: { stars: counts ? given : undefined, decision: decision === "keep" ? undefined : decision } };
  }

  function fromJson(text) {
    let plan = null;
    try {
      plan = JSON.parse(text);
    } catch {
      throw new Refused("it is not valid JSON");
    }
    if (plan?.kind !== "piqa rank plan") throw new Refused("it is no plan of piqa");
    if (plan.version !== 1) throw new Refused(`it has plan version ${told(plan.version)}, this page reads version 1`);
    if (!Array.isArray(plan.items)) throw new Refused("it has no list of photos");
    return plan.items.map((value, k) => item(value ?? {}, `photo ${k + 1}`));
  }

  // Spreadsheets separate columns as the country's settings say: the first line has most of it.
  function separatorOf(text) {
    const head = text.split(/[\r\n]/, 1)[0];
    return [",", ";", "\t"].reduce((a, b) => (head.split(b).length > head.split(a).length ? b : a));
  }

  // RFC 4180: a quoted cell may hold separators, line breaks and doubled quotes. Yields { line, cells }.
  function* rows(text) {
    const comma = separatorOf(text);
    const cell = new RegExp(`(?:"([^"]*(?:""[^"]*)*)"|([^"${comma}\\r\\n]*))(${comma}|\\r\\n|\\r|\\n|$)`, "gy");
    let [cells, line, at] = [[], 1, 0];
    while (at < text.length) {
      const match = cell.exec(text);
      if (!match) throw new Refused(`line ${line}: a quotation mark is out of place`);
      at = cell.lastIndex;
      cells.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
      if (match[3] === comma && at === text.length) cells.push("");
      if (match[3] !== comma || at === text.length) {
        if (cells.length > 1 || cells[0]) yield { line, cells };
        cells = [];
      }
      line += match[0].split(/\r\n|\r|\n/).length - 1;
    }
  }

  // Also as pandas spells whole numbers beside empty cells: 3.0
  const number = (text) => (text ? (/^-?\d(\.0+)?$/.test(text) ? Number(text) : text) : null);

  function fromCsv(text) {
    const records = rows(text);
    const head = records.next().value; // looked at before the rest: it tells whether this is such a table at all
    if (!COLUMNS.every((name) => head?.cells.includes(name))) throw new Refused(`its first line does not name the columns ${COLUMNS.join(" and ")}`);
    return Array.from(records, ({ line, cells }) => {
      if (cells.length !== head.cells.length) throw new Refused(`line ${line} has another number of cells than the first one`);
      const value = new Map(head.cells.map((name, k) => [name, cells[k]]));
      return item({ photo: value.get("photo"), decision: value.get("decision"), stars: number(value.get("stars")) }, `line ${line}`);
    });
  }

  // -> [{ photo: its path as the file writes it, choice: { stars, decision } }]; throws Refused.
  function read(text, name) {
    const json = name.toLowerCase().endsWith(".json") || text.trimStart().startsWith("{");
    const items = json ? fromJson(text) : fromCsv(text);
    const seen = new Set();
    for (const { photo } of items) {
      if (seen.has(photo)) throw new Refused(`${told(photo)} is in it twice`);
      seen.add(photo);
    }
    return items;
  }

  return { read, Refused };
})();
