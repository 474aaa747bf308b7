"use strict";
// Dragging over a chart chooses a range of its x axis, with mouse, pen and finger; a click without a drag clears it.
const Brush = (() => {
  const CLICK = 4; // pixels

  function attach(plot, limits, onRange) {
    const over = plot.over;
    let from = null;

    const at = (event) => Math.min(over.clientWidth, Math.max(0, event.clientX - over.getBoundingClientRect().left));
    const value = (x) => Math.min(limits[1], Math.max(limits[0], Math.round(plot.posToVal(x, "x"))));
    const draw = (a, b) => plot.setSelect({ left: Math.min(a, b), width: Math.abs(b - a), top: 0, height: over.clientHeight }, false);

    function move(event) {
      draw(from, at(event));
    }

    function end(event) {
      const [a, b] = [from, at(event)];
      cancel();
      const wide = Math.abs(b - a) >= CLICK;
      if (wide) onRange(value(Math.min(a, b)), value(Math.max(a, b)));
      else onRange(null, null);
    }

    function cancel() {
      from = null;
      over.removeEventListener("pointermove", move);
      over.removeEventListener("pointerup", end);
      over.removeEventListener("pointercancel", cancel);
    }

    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      from = at(event);
      over.addEventListener("pointermove", move);
      over.addEventListener("pointerup", end);
      over.addEventListener("pointercancel", cancel);
    });

    return function show(range) {
      if (!range) return plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      return draw(plot.valToPos(range[0], "x"), plot.valToPos(range[1], "x"));
    };
  }

  return { attach };
})();
