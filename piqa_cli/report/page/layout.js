"use strict";
// Where every row of the contact sheet is: pure arithmetic, so that 20,000 photos need no elements of their own.
const Layout = (() => {
  const GAP = 10;
  const HEADER = 40;
  const WIDTHS = { s: 124, m: 176, l: 272 }; // narrowest card
  const SHAPE = 0.82; // height of the picture's mat, of its width

  // Sections with a label, packed: small ones stand side by side under their headers, as long as each fits the rest
  // of a row. -> [{ headers: [{ label, count, column, span }], lines: [items of a row] }]
  function pack(sections, columns) {
    const bands = [];
    for (const { label, items } of sections) {
      const open = bands.at(-1);
      const header = { label, count: items.length, column: 0, span: Math.min(columns, items.length) };
      if (label !== null && open?.headers.length && open.lines.length === 1 && open.lines[0].length + items.length <= columns) {
        open.headers.push({ ...header, column: open.lines[0].length });
        open.lines[0].push(...items);
        continue;
      }
      const lines = Array.from({ length: Math.ceil(items.length / columns) }, (_, k) => items.slice(k * columns, (k + 1) * columns));
      bands.push({ headers: label === null ? [] : [header], lines });
    }
    return bands;
  }

  // rows: [{ top, height, headers, items, from }], `from` = index of the first item in the order of all photos
  function arrange(sections, width, size) {
    const columns = Math.max(2, Math.floor((width + GAP) / (WIDTHS[size] + GAP)));
    const card = Math.floor((width - GAP * (columns - 1)) / columns);
    const picture = Math.round(card * SHAPE);
    const height = picture + Card.TEXT;
    const rows = [];
    let [top, from] = [0, 0];
    for (const { headers, lines } of pack(sections, columns)) {
      if (headers.length) {
        rows.push({ top, height: HEADER, headers, items: [], from });
        top += HEADER;
      }
      for (const items of lines) {
        rows.push({ top, height, headers: [], items, from });
        top += height + GAP;
        from += items.length;
      }
    }
    return { rows, columns, card, picture, height, total: top, gap: GAP };
  }

  // Index of the last row that begins at or above y.
  function rowAt(rows, y) {
    let [low, high] = [0, rows.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (rows[middle].top <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  function rowOf(rows, index) {
    let [low, high] = [0, rows.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (rows[middle].from <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  return { arrange, rowAt, rowOf };
})();
