"use strict";
// The second view: what the photos that are shown have in common. Follows the filters.
const ChartPage = (() => {
  const root = Dom.byId("charts");
  const FEW = 3; // photos, for a row of its own
  const MOST_ROWS = 12;
  const TALL = 230;
  const KINDS = [{ title: "no shake", colour: "dot-good" }, { title: "some", colour: "dot-mid" }, { title: "motion blur", colour: "dot-bad" }];
  const boxes = [];

  function figure(title, note, body, wide) {
    return Dom.make("section", { class: wide ? "figure wide" : "figure" }, Dom.make("h2", { text: title }), body, Dom.make("p", { class: "muted caption", text: note }));
  }

  function chart(draw) {
    const box = Dom.make("div", { class: "chart" });
    boxes.push({ box, draw });
    return box;
  }

  // Where the middle half of the scores lies, with the median as a line, a row for each value.
  function rangeRow([label, stats], onChoose) {
    const at = (value) => `${value}%`;
    const name = onChoose ? Dom.make("button", { type: "button", class: "link", text: label, title: `Show only ${label}`, onclick: onChoose }) : label;
    return Dom.make("tr", null, Dom.make("th", { scope: "row" }, Dom.make("bdi", null, name)), Dom.make("td", { class: "n muted", text: Format.count(stats.n) }),
      Dom.make("td", { class: "track" }, Dom.make("span", { class: "scale" },
        Dom.make("span", { class: "whisker", style: { left: at(stats.min), width: at(stats.max - stats.min) } }),
        Dom.make("span", { class: "half", style: { left: at(stats.q1), width: at(Math.max(0.6, stats.q3 - stats.q1)) } }),
        Dom.make("span", { class: "tick", style: { left: at(stats.median) } }))),
      Dom.make("td", { class: "n", text: Format.score(stats.median) }));
  }

  function ranges(title, photos, column, label, order) {
    const of = column instanceof Function ? column : (i) => Photos.get(i, column);
    const groups = [...Stats.grouped(photos, of, Photos.score)].map(([key, values]) => [key, Stats.summary(values)]);
    if (!groups.length || (groups.length < 2 && groups[0][1].n < FEW)) return null;
    groups.sort(order ?? ((a, b) => b[1].n - a[1].n));
    const kept = groups.slice(0, order ? 24 : MOST_ROWS);
    const choose = column instanceof Function ? null : (key) => () => Filters.toggle(column, key, true);
    const body = Dom.make("table", { class: "ranges" },
      Dom.make("thead", null, Dom.make("tr", null, Dom.make("th", { scope: "col", text: label }), Dom.make("th", { scope: "col", class: "n", text: "photos" }),
        Dom.make("th", { scope: "col", class: "track", text: "score, 0 to 100" }), Dom.make("th", { scope: "col", class: "n", text: "median" }))),
      Dom.make("tbody", null, ...kept.map(([key, stats]) => rangeRow([order ? `${String(key).padStart(2, "0")} h` : key, stats], choose?.(key)))));
    const rest = groups.length - kept.length;
    return figure(title, `Thin line: all photos; bar: the middle half.${rest ? ` ${Format.plural(rest, "more", "more")} with fewer photos.` : ""}`, body);
  }

  function medians(points, edges) {
    return edges.slice(0, -1).flatMap((low, k) => {
      const inside = points.filter((p) => p.x >= low && p.x < edges[k + 1]);
      if (inside.length < FEW) return [];
      return [{ x: Stats.summary(inside.map((p) => p.x)).median, y: Stats.summary(inside.map((p) => p.y)).median }];
    });
  }

  function scatter(title, note, points, spec) {
    if (points.length < FEW) return null;
    const caption = Dom.make("p", { class: "muted caption", text: note });
    const onHover = (point) => {
      caption.textContent = point ? `${Photos.name(point.photo)}: ${spec.tell(point)}` : note;
    };
    const words = `${title}, ${Format.plural(points.length, "photo")}. ${note}`;
    const body = chart((box) => ChartKit.scatter(box, { points, height: TALL, words, onHover, onOpen: Large.open, ...spec }));
    return Dom.make("section", { class: "figure" }, Dom.make("h2", { text: title }), body, spec.legend ?? null, caption);
  }

  const SCORE_AXIS = { title: "score", range: [0, 100] };
  const plain = [{ title: "photo", colour: "bar" }];

  function pointsOf(photos, x) {
    return photos.map((photo) => ({ photo, x: x(photo), y: Photos.score(photo), kind: 0 })).filter((p) => p.x !== null && p.x > 0 && p.y !== null);
  }

  const span = (values, pad) => [Math.min(...values) / pad, Math.max(...values) * pad];
  const extent = (points, axis) => points.reduce(([low, high], p) => [Math.min(low, p[axis]), Math.max(high, p[axis])], [Infinity, -Infinity]);
  const APART = 1.15; // two numbers on an axis need as much room

  // The round numbers on an axis; where it is too short to have one, the ends of what is there.
  function ladder(steps, [low, high], [least, most]) {
    const inside = steps.filter((step) => step >= low && step <= high);
    return inside.length ? inside : most / least < APART ? [least] : [least, most];
  }

  const doubled = (first, n) => Array.from({ length: n }, (_, k) => first * 2 ** k);

  function byStops(title, unit, photos, column, steps) {
    const points = pointsOf(photos, (i) => Photos.get(i, column));
    if (points.length < FEW) return null;
    const ends = extent(points, "x");
    const range = span(ends, 1.2);
    const edges = doubled(range[0], Math.ceil(Math.log2(range[1] / range[0])) + 1);
    return scatter(title, "Each dot is a photo; the line is the median of its neighbourhood. Click a dot to see the photo.", points, {
      kinds: plain, lines: [medians(points, edges)], y: SCORE_AXIS, tell: (p) => `${unit(p.x)}, score ${Format.score(p.y)}`,
      x: { title: title.replace("Score by ", ""), range, log: 10, splits: ladder(steps, range, ends), values: (v) => v },
    });
  }

  function shake(photos) {
    const both = photos.map((photo) => ({ photo, x: Photos.get(photo, "focal_length_mm"), y: Photos.get(photo, "shutter_s"), blur: Photos.severity(photo, "motion_blur") }))
      .filter((p) => p.x > 0 && p.y > 0);
    if (both.length < FEW) return null;
    const points = both.map((p) => ({ ...p, kind: p.blur < Photos.threshold / 2 ? 0 : p.blur < Photos.threshold ? 1 : 2 }));
    const [wide, high] = [extent(points, "x"), extent(points, "y")];
    const [xs, ys] = [span(wide, 1.2), span(high, 1.6)];
    const rule = [Math.max(xs[0], 1 / ys[1]), Math.min(xs[1], 1 / ys[0])];
    const legend = Dom.make("ul", { class: "legend" }, ...KINDS.map(({ title, colour }) => Dom.make("li", null, Dom.make("span", { class: `swatch ${colour}` }), title)));
    const crossed = rule[0] < rule[1]; // else all photos lie on one side of the line
    const where = crossed ? "Above the line the" : "Everywhere the";
    const than = crossed || ys[0] * xs[0] > 1 ? "longer than 1/focal length: shake becomes likely." : "shorter than 1/focal length.";
    return scatter("Shutter against focal length", `${where} shutter is ${than}`, points, {
      kinds: KINDS, legend, lines: crossed ? [rule.map((x) => ({ x, y: 1 / x }))] : [],
      tell: (p) => `${p.x} mm, ${Format.shutter(p.y)}, motion blur ${Math.round(p.blur * 100)} %`,
      x: { title: "focal length, mm", range: xs, log: 10, splits: ladder([4, 8, 14, 24, 35, 50, 85, 135, 200, 400, 600, 1000], xs, wide), values: (v) => v },
      y: { title: "shutter", range: ys, log: 10, splits: ladder([1 / 8000, 1 / 2000, 1 / 500, 1 / 125, 1 / 30, 1 / 8, 1 / 2, 2, 8, 30], ys, high), values: (v) => Format.shutter(v)?.replace(" s", "") },
    });
  }

  function defects(photos) {
    const judged = photos.filter((i) => Photos.score(i) !== null);
    if (!judged.length) return null;
    const found = judged.flatMap(Photos.found);
    const shares = Photos.defects.map((d) => [d, found.filter((one) => one === d).length]).sort((a, b) => b[1] - a[1]);
    const most = Math.max(judged.length / 5, shares[0]?.[1] ?? 0); // a full bar is a fifth of the photos or more
    const row = ([d, n]) => Dom.make("tr", null,
      Dom.make("th", { scope: "row" }, Dom.make("button", { type: "button", class: "link", text: Photos.words(d), title: `Show only: ${Photos.words(d)}`, onclick: () => Filters.toggle("defect", d, true) })),
      Dom.make("td", { class: "n muted", text: Format.count(n) }),
      Dom.make("td", { class: "track" }, Dom.make("span", { class: "scale" }, Dom.make("span", { class: "half", style: { left: "0%", width: `${(n / most) * 100}%` } }))),
      Dom.make("td", { class: "n", text: Format.share(n / judged.length) }));
    const body = Dom.make("table", { class: "ranges named" }, Dom.make("thead", null, Dom.make("tr", null, Dom.make("th", { scope: "col", text: "Fault" }),
      Dom.make("th", { scope: "col", class: "n", text: "photos" }), Dom.make("td"), Dom.make("th", { scope: "col", class: "n", text: "share" }))), Dom.make("tbody", null, ...shares.map(row)));
    return figure("Faults", "Photos with the fault, on the face or in the photo. One photo may have several.", body);
  }

  function tens(photos) {
    const judged = photos.filter((i) => Photos.score(i) !== null).sort((a, b) => Photos.score(b) - Photos.score(a) || a - b);
    const tile = (photo) => Dom.make("button", { type: "button", class: "tile", title: Photos.name(photo), onclick: () => Large.open(photo) },
      Dom.make("span", { class: "mat" }, Card.frame(photo, 104, 84)), Dom.make("b", { text: Format.score(Photos.score(photo)) }), Dom.make("span", { class: Card.remarkClass(photo), text: Card.remark(photo) }), Dom.make("span", { class: "hidden", text: Photos.name(photo) }));
    const strip = (title, list) => figure(title, "", Dom.make("div", { class: "tiles" }, ...list.map(tile)), true);
    return judged.length < 4 ? [] : [strip("Best", judged.slice(0, Math.min(10, judged.length >> 1))), strip("Worst", judged.slice(-Math.min(10, judged.length >> 1)).reverse())];
  }

  function distribution(photos) {
    const scores = photos.map(Photos.score).filter((score) => score !== null);
    const stats = Stats.summary(scores);
    const note = stats ? `Median ${Format.score(stats.median)}; the middle half lies between ${Format.score(stats.q1)} and ${Format.score(stats.q3)}. Drag over the chart to choose a range.` : "No photo has a score.";
    const shown = Stats.histogram(scores, Sidebar.BINS, 0, 100);
    return figure("Scores", note, chart((box) => ChartKit.histogram(box, { all: Sidebar.allBins, shown, height: TALL, range: Filters.range, onRange: Filters.setRange })));
  }

  function render() {
    for (const { box } of boxes) ChartKit.forget(box);
    boxes.length = 0;
    const photos = State.order;
    const hour = (i) => { const h = Format.hour(Photos.get(i, "captured_at")); return h === null ? null : Math.floor(h); };
    const figures = [distribution(photos), defects(photos), shake(photos),
      byStops("Score by ISO", (v) => `ISO ${v}`, photos, "iso", doubled(25, 14)),
      byStops("Score by focal length", (v) => `${v} mm`, photos, "focal_length_mm", [4, 8, 14, 24, 35, 50, 85, 135, 200, 400, 600, 1000]),
      ranges("Score by hour of the day", photos, hour, "Hour", (a, b) => a[0] - b[0]),
      ranges("Score by camera", photos, "camera", "Camera"), ranges("Score by lens", photos, "lens", "Lens"), ...tens(photos)];
    root.replaceChildren(...figures.filter(Boolean));
    for (const { box, draw } of boxes) draw(box);
  }

  return { render };
})();
