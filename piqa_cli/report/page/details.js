"use strict";
// Everything known about one photo, as the panel beside the large view.
const Details = (() => {
  const MINI = 56; // pixels, the other faces

  const block = (title, ...children) => Dom.make("section", { class: "block" }, Dom.make("h3", { text: title }), ...children);

  function head(photo) {
    const group = Photos.group(photo);
    const best = Card.isBest(photo) ? Dom.make("span", { class: "best", text: "Best" }) : null;
    const path = Dom.make("bdi", { class: "muted path", text: Photos.get(photo, "folder") ?? "" });
    return Dom.make("div", { class: "block" },
      Dom.make("h2", null, Dom.make("bdi", { text: Photos.name(photo) })), path,
      Dom.make("p", { class: "big-score" }, Dom.make("b", { text: Format.score(Photos.score(photo)) }), Dom.make("span", { class: "muted", text: " of 100" }), best,
        group ? Dom.make("bdi", { class: "muted", text: group.label }) : null),
      Dom.make("p", { class: Card.remarkClass(photo), text: Card.remark(photo) || "no faults found" }));
  }

  // One pixel of the photo for one of the page; what does not fit is cut at the edges, never scaled.
  function nativeFace(photo) {
    const source = Photos.face(photo);
    if (!source) return null;
    return block("Main face, full resolution", Dom.make("div", { class: "native" }, Dom.make("img", { src: source, alt: "Main face" })));
  }

  function mini(photo, { box: [x1, y1, x2, y2] }, source) {
    const [w, h] = Photos.size(photo);
    const side = Math.max(x2 - x1, y2 - y1) * 1.15 || 1;
    const scale = MINI / side;
    const [left, top] = [(x1 + x2 - side) / 2, (y1 + y2 - side) / 2];
    const picture = source ? [Dom.make("img", { src: source, alt: "", draggable: "false",
      style: { width: `${w * scale}px`, height: `${h * scale}px`, left: `${-left * scale}px`, top: `${-top * scale}px` } })] : [];
    return Dom.make("span", { class: "mini" }, ...picture);
  }

  function eyes(face, photo) {
    if (face.eyes_open === null || face.eyes_open === undefined) return null;
    const verdict = Photos.faces(photo).length === 1 ? Photos.get(photo, "eyes") : null;
    return `eyes ${verdict && verdict !== "unknown" ? verdict : `${Math.round(face.eyes_open * 100)} % open`}`;
  }

  function faceRow(photo, face, source, k) {
    const worst = Object.entries(face.defects ?? {}).filter(([, v]) => v >= Photos.threshold).sort((a, b) => b[1] - a[1]).map(([d]) => Photos.words(d));
    const side = face.box ? `${Math.round(face.box[2] - face.box[0])} × ${Math.round(face.box[3] - face.box[1])} px` : null;
    const roll = Math.abs(face.roll ?? 0) >= 5 ? `tilted ${Math.round(face.roll)}°` : null;
    const facts = [side, eyes(face, photo), face.pose === "profile" ? "in profile" : null, roll, face.cut ? "cut by the border" : null, ...worst];
    return Dom.make("li", { class: "face" }, mini(photo, face, source),
      Dom.make("div", null, Dom.make("b", { text: Format.score(face.score ?? null) }), Dom.make("span", { class: "muted", text: k ? ` face ${k + 1}` : " main face" }),
        Dom.make("p", { class: "muted", text: facts.filter(Boolean).join(" · ") })));
  }

  function faceList(photo, source) {
    const faces = Photos.get(photo, "width") ? Photos.faces(photo) : [];
    if (!faces.length) return null;
    return block(faces.length === 1 ? "Face" : `${faces.length} faces`, Dom.make("ul", { class: "faces" }, ...faces.map((face, k) => faceRow(photo, face, source, k))));
  }

  const bar = (kind, value) => Dom.make("span", { class: `bar ${kind}` }, Dom.make("span", { style: { width: `${(value ?? 0) * 100}%` } }));
  const percent = (value) => (value === null ? "–" : `${Math.round(value * 100)}`);

  function defectRow(photo, defect) {
    const [whole, face] = [Photos.get(photo, `photo_${defect}`), Photos.get(photo, `face_${defect}`)];
    return Dom.make("tr", { class: Photos.severity(photo, defect) >= Photos.threshold ? "strong" : "" },
      Dom.make("th", { scope: "row", text: Photos.words(defect) }),
      Dom.make("td", { class: "bars" }, bar("whole", whole), bar("own", face)),
      Dom.make("td", { class: "n", text: percent(whole) }), Dom.make("td", { class: "n", text: percent(face) }));
  }

  function defects(photo) {
    const rows = [...Photos.defects].sort((a, b) => Photos.severity(photo, b) - Photos.severity(photo, a));
    if (Photos.score(photo) === null) return null;
    return block("Faults, severity in %", Dom.make("table", { class: "defects" },
      Dom.make("thead", null, Dom.make("tr", null, Dom.make("th", { scope: "col", text: "Fault" }), Dom.make("td"),
        Dom.make("th", { scope: "col", class: "n key-whole", text: "photo" }), Dom.make("th", { scope: "col", class: "n key-own", text: "face" }))),
      Dom.make("tbody", null, ...rows.map((d) => defectRow(photo, d)))));
  }

  function facts(photo) {
    const get = (column) => Photos.get(photo, column);
    const with_ = (value, f) => (value === null ? null : f(value));
    return [
      ["Taken", Format.moment(get("captured_at"))], ["Camera", get("camera")], ["Lens", get("lens")],
      ["Exposure", [Format.shutter(get("shutter_s")), with_(get("aperture"), (v) => `f/${v}`), with_(get("iso"), (v) => `ISO ${v}`)].filter(Boolean).join(" · ") || null],
      ["Focal length", with_(get("focal_length_mm"), (v) => `${v} mm`)],
      ["Correction", with_(get("exposure_bias"), (v) => `${v > 0 ? "+" : ""}${v} EV`)],
      ["Size", get("width") ? `${get("width")} × ${get("height")} px` : null], ["File", Format.bytes(get("file_size"))],
      ["RAW", get("raw_mate")?.split("/").pop()], ["Status", get("reason")],
    ].filter(([, value]) => value);
  }

  function exif(photo) {
    const pairs = facts(photo).flatMap(([name, value]) => [Dom.make("dt", { text: name }), Dom.make("dd", null, Dom.make("bdi", { text: value }))]);
    return block("Photo", Dom.make("dl", { class: "exif" }, ...pairs));
  }

  function show(panel, photo, source = Photos.thumb(photo)) {
    panel.replaceChildren(...[head(photo), nativeFace(photo), faceList(photo, source), defects(photo), exif(photo)].filter(Boolean));
  }

  return { show };
})();
