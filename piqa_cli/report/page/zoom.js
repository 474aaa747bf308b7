"use strict";
// Pictures that zoom and pan together. The view is kept relative to each picture, or to its main face when aligned.
const Zoom = (() => {
  const LARGEST = 8; // screen pixels for one pixel of the photo
  const FACE_SHARE = 0.45; // of the pane at least, when aligned on faces, at zoom 1
  const STEP = 1.25;

  function boxes(photo, [w, h]) {
    const rect = ({ box: [x1, y1, x2, y2] }, k) => Dom.svg("rect", { x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), class: k ? "other" : "main" });
    return Dom.svg("svg", { class: "boxes", viewBox: `0 0 ${w} ${h}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...Photos.faces(photo).map(rect));
  }

  function layer(source, kind) {
    return Dom.make("img", { src: source, alt: "", class: kind, draggable: "false", decoding: "async" });
  }

  // The sharp patch that the report carries: it stands in where the original is not at hand.
  function patch(photo, [w, h]) {
    const crop = Photos.get(photo, "face_crop");
    if (!crop || !Photos.face(photo)) return null;
    const node = layer(Photos.face(photo), "patch");
    Dom.style(node, { left: `${(crop[0] / w) * 100}%`, top: `${(crop[1] / h) * 100}%`, width: `${((crop[2] - crop[0]) / w) * 100}%`, height: `${((crop[3] - crop[1]) / h) * 100}%` });
    return node;
  }

  // A photo that was not read has no size until the browser knows it.
  function resize(made, { naturalWidth, naturalHeight }) {
    Object.assign(made, { w: naturalWidth, h: naturalHeight, sized: true });
    made.redraw?.();
  }

  function pane(photo, { onLoad, onMissing } = {}) {
    const [w, h] = Photos.size(photo);
    const sized = Photos.sized(photo);
    const stage = Dom.make("div", { class: "stage" });
    const node = Dom.make("div", { class: "pane-view" }, stage);
    const thumb = Photos.thumb(photo);
    if (thumb) stage.append(layer(thumb, "thumb"));
    const sharp = patch(photo, [w, h]);
    if (sharp) stage.append(sharp);
    if (sized) stage.append(boxes(photo, [w, h]));
    const face = sized ? Photos.faces(photo)[0]?.box : undefined;
    const made = { photo, node, stage, w, h, sized, face };
    const source = Photos.original(photo);
    if (source) {
      const original = layer(source, "original");
      original.addEventListener("load", () => {
        stage.classList.add("loaded");
        if (!made.sized) resize(made, original);
        onLoad?.(source);
      });
      original.addEventListener("error", () => {
        original.remove();
        onMissing?.();
      });
      stage.insertBefore(original, stage.querySelector(".boxes"));
    } else onMissing?.();
    return made;
  }

  function group(panes, onChange) {
    const view = { k: 1, u: 0, v: 0, aligned: false };

    const room = (p) => [p.node.clientWidth || 1, p.node.clientHeight || 1];
    const whole = (p) => Math.min(room(p)[0] / p.w, room(p)[1] / p.h);
    const side = ({ face: [x1, y1, x2, y2] }) => Math.max(x2 - x1, y2 - y1, 1);
    const onFace = (p) => (FACE_SHARE * Math.min(...room(p))) / side(p);

    // Where faces fill all photos, as in headshots, they are shown as large as in the whole photos, not smaller.
    function closer() {
      return Math.max(1, Math.min(...panes.filter((p) => p.face).map((p) => whole(p) / onFace(p))));
    }

    function geometry(p) {
      const [pw, ph] = room(p);
      if (view.aligned && p.face) {
        const [x1, y1, x2, y2] = p.face;
        return { pw, ph, base: onFace(p) * closer(), ux: side(p), uy: side(p), ax: (x1 + x2) / 2, ay: (y1 + y2) / 2 };
      }
      return { pw, ph, base: whole(p), ux: p.w, uy: p.h, ax: p.w / 2, ay: p.h / 2 };
    }

    // A picture smaller than its pane is centred; a larger one leaves no gap.
    function held(centre, length, shown) {
      return shown >= length ? length / 2 : Math.min(length - shown / 2, Math.max(shown / 2, centre));
    }

    function place(p) {
      const g = geometry(p);
      const scale = g.base * view.k;
      const centre = [g.ax + view.u * g.ux, g.ay + view.v * g.uy];
      const [cx, cy] = view.aligned ? centre : [held(centre[0], p.w, g.pw / scale), held(centre[1], p.h, g.ph / scale)];
      Dom.style(p.stage, { left: `${g.pw / 2 - cx * scale}px`, top: `${g.ph / 2 - cy * scale}px`, width: `${p.w * scale}px`, height: `${p.h * scale}px` });
      p.stage.classList.toggle("pixels", scale * devicePixelRatio > 3);
      return scale;
    }

    function draw() {
      const scales = panes.map(place);
      onChange?.(scales.map((scale, k) => (panes[k].sized ? `${Math.round(scale * devicePixelRatio * 100)} %` : "")), view.aligned);
    }

    function zoomAt(p, factor, x, y) {
      const g = geometry(p);
      const before = g.base * view.k;
      const limit = Math.max(1, LARGEST / devicePixelRatio / g.base);
      view.k = Math.min(limit, Math.max(view.aligned ? 0.2 : 1, view.k * factor));
      const after = g.base * view.k;
      view.u += ((x - g.pw / 2) * (1 / before - 1 / after)) / g.ux;
      view.v += ((y - g.ph / 2) * (1 / before - 1 / after)) / g.uy;
      settle(p, g);
      draw();
    }

    // What lies outside the picture is no place to go to; without this, panning back would seem stuck.
    function settle(p, g) {
      if (view.aligned) return;
      const scale = g.base * view.k;
      view.u = (held(g.ax + view.u * g.ux, p.w, g.pw / scale) - g.ax) / g.ux;
      view.v = (held(g.ay + view.v * g.uy, p.h, g.ph / scale) - g.ay) / g.uy;
    }

    function pan(p, dx, dy) {
      const g = geometry(p);
      const scale = g.base * view.k;
      view.u -= dx / scale / g.ux;
      view.v -= dy / scale / g.uy;
      settle(p, g);
      draw();
    }

    function fit() {
      Object.assign(view, { k: 1, u: 0, v: 0, aligned: false });
      draw();
    }

    function align(wanted) {
      Object.assign(view, { k: 1, u: 0, v: 0, aligned: wanted });
      draw();
    }

    const middle = (p) => [p.node.clientWidth / 2, p.node.clientHeight / 2];
    const actual = (p) => 1 / devicePixelRatio / geometry(p).base;

    // Between the whole picture and one pixel of the photo for one of the screen.
    function toggle(p, at = middle(p)) {
      if (view.k > 1.01) fit();
      else zoomAt(p, Math.max(actual(p), 2), ...at);
    }

    const api = { draw, fit, align, toggle, pan, zoomAt, step: (p, out) => zoomAt(p, out ? 1 / STEP : STEP, ...middle(p)), view };
    const resized = new ResizeObserver(draw);
    for (const p of panes) {
      Gestures.attach(p, api);
      resized.observe(p.node);
      p.redraw = draw;
    }

    function stop() {
      resized.disconnect();
      for (const p of panes) p.redraw = null;
    }

    return { ...api, stop };
  }

  return { pane, group };
})();
