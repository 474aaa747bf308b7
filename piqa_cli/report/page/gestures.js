"use strict";
// Wheel, drag, pinch and double click on one zoomable picture.
const Gestures = (() => {
  function attach(p, zoom) {
    const held = new Map(); // pointer -> [x, y]
    const at = (event) => {
      const frame = p.node.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    };
    const distance = ([[ax, ay], [bx, by]]) => Math.hypot(ax - bx, ay - by) || 1;

    p.node.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoom.zoomAt(p, Math.exp(-Math.max(-100, Math.min(100, event.deltaY)) / 300), ...at(event));
    }, { passive: false });

    p.node.addEventListener("dblclick", (event) => zoom.toggle(p, at(event)));

    p.node.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      held.set(event.pointerId, at(event));
      p.node.setPointerCapture(event.pointerId);
    });

    p.node.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) return;
      const now = at(event);
      if (held.size === 1) zoom.pan(p, now[0] - before[0], now[1] - before[1]);
      const apart = held.size === 2 ? distance([...held.values()]) : 0;
      held.set(event.pointerId, now);
      if (apart) {
        const [[ax, ay], [bx, by]] = held.values();
        zoom.zoomAt(p, distance([...held.values()]) / apart, (ax + bx) / 2, (ay + by) / 2);
      }
    });

    const release = (event) => held.delete(event.pointerId);
    p.node.addEventListener("pointerup", release);
    p.node.addEventListener("pointercancel", release);
  }

  return { attach };
})();
