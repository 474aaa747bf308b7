"use strict";
// Charts on a canvas (uPlot), drawn in the theme's colours, as wide as their box, each with its content in words.
const ChartKit = (() => {
  const drawn = new Map(); // box -> function that draws it anew
  const FONT = "11px system-ui, sans-serif";

  // A custom property may hold light-dark(...); only a real element knows what it comes to.
  function colour(name) {
    const probe = Dom.byId("live");
    probe.style.setProperty("color", `var(--${name})`);
    const value = getComputedStyle(probe).color;
    probe.style.removeProperty("color");
    return value;
  }

  const faded = (value, alpha) => value.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);

  function axis(extra) {
    return { stroke: colour("muted"), font: FONT, grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, gap: 4, ...extra };
  }

  const resized = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const width = Math.floor(contentRect.width);
      if (target.plot && width > 0 && width !== target.plot.width) {
        target.plot.setSize({ width, height: target.plot.height });
        target.plot.again?.();
      }
    }
  });

  function redraw(box) {
    box.plot?.destroy();
    box.plot = drawn.get(box)();
  }

  // The box keeps its height while it is empty, so that nothing moves when the chart comes.
  function place(box, height, words, draw) {
    Dom.style(box, { height: `${height}px` });
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", words);
    drawn.set(box, draw);
    resized.observe(box);
    redraw(box);
  }

  const nothing = { cursor: { show: false }, legend: { show: false } };

  // Two layers of bars: all photos in grey, those that pass the filters in colour. bins of equal width over [0, 100].
  function histogram(box, { all, shown, height, small, range, onRange }) {
    const bins = all.length;
    const x = all.map((_, i) => (i * 100) / bins);
    const words = `Score distribution, ${Format.count(shown.reduce((a, b) => a + b, 0))} photos shown. Drag to choose a range.`;
    const bars = uPlot.paths.bars({ size: [1, Infinity], align: 1, gap: 1 });
    place(box, height, words, () => {
      const series = (fill) => ({ fill, stroke: fill, width: 0, paths: bars, points: { show: false } });
      const plot = new uPlot({
        width: Math.max(60, box.clientWidth), height, ...nothing,
        padding: small ? [2, 10, 0, 10] : [8, 14, 0, 0],
        select: { show: true, left: 0, top: 0, width: 0, height: 0 },
        scales: { x: { time: false, range: [0, 100] }, y: { range: (_, __, max) => [0, Math.max(1, max) * 1.04] } },
        axes: [axis({ size: 20, grid: { show: false }, splits: () => [0, 20, 40, 60, 80, 100] }),
          axis({ show: !small, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] })],
        series: [{}, series(colour("bar-all")), series(colour("bar"))],
      }, [x, all, shown], box);
      const show = Brush.attach(plot, [0, 100], onRange);
      plot.again = () => show(Filters.range);
      show(range);
      return plot;
    });
  }

  // points: [{ x, y, kind, photo }]; kinds: [{ title, colour }]; lines: [[{ x, y }, ...], ...] drawn over the points.
  function scatter(box, { points, kinds, lines, x, y, height, words, onOpen, onHover }) {
    const rows = [...points, ...lines.flatMap((line, k) => line.map((p) => ({ ...p, line: k })))].sort((a, b) => a.x - b.x);
    const layer = (test) => rows.map((row) => (test(row) ? row.y : null));
    const data = [rows.map((row) => row.x), ...kinds.map((_, k) => layer((row) => row.kind === k)), ...lines.map((_, k) => layer((row) => row.line === k))];
    place(box, height, words, () => {
      const dense = points.length > 2000;
      const dots = ({ colour: name }) => ({ paths: () => null, points: { show: true, size: dense ? 3 : 6, width: 0,
        fill: faded(colour(name), dense ? 0.45 : 0.7), stroke: colour(name) } });
      const curve = { stroke: colour("text"), width: 2, spanGaps: true, points: { show: false } };
      const scale = (spec) => ({ time: false, range: () => spec.range, ...(spec.log ? { distr: 3, log: spec.log } : {}) });
      const ticks = (spec, extra) => axis({ ...extra, label: spec.title, labelFont: FONT, labelSize: 18, labelGap: 0,
        ...(spec.splits ? { splits: () => spec.splits, filter: (_, s) => s } : {}), ...(spec.values ? { values: (_, s) => s.map(spec.values) } : {}) });
      const plot = new uPlot({
        width: Math.max(60, box.clientWidth), height, ...nothing, padding: [8, 12, 0, 0],
        scales: { x: scale(x), y: scale(y) },
        axes: [ticks(x, { size: 22 }), ticks(y, { size: 46 })],
        series: [{}, ...kinds.map(dots), ...lines.map(() => curve)],
      }, data, box);
      attachNearest(plot, points, onHover, onOpen);
      return plot;
    });
  }

  function attachNearest(plot, points, onHover, onOpen) {
    const REACH = 14; // pixels
    const nearest = (event) => {
      const frame = plot.over.getBoundingClientRect();
      let [best, least] = [null, REACH];
      for (const point of points) {
        const away = Math.hypot(plot.valToPos(point.x, "x") - (event.clientX - frame.left), plot.valToPos(point.y, "y") - (event.clientY - frame.top));
        if (away < least) [best, least] = [point, away];
      }
      return best;
    };
    plot.over.addEventListener("pointermove", (event) => onHover(nearest(event)));
    plot.over.addEventListener("pointerleave", () => onHover(null));
    plot.over.addEventListener("click", (event) => {
      const point = nearest(event);
      if (point) onOpen(point.photo);
    });
  }

  const redrawAll = () => [...drawn.keys()].filter((box) => box.isConnected && box.clientWidth).forEach(redraw);
  const forget = (box) => {
    resized.unobserve(box);
    box.plot?.destroy();
    drawn.delete(box);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  State.on("theme", redrawAll);

  return { histogram, scatter, forget };
})();
