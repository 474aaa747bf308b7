"use strict";
// One photo of the contact sheet. The picture's frame has its final size before the picture is there.
const Card = (() => {
  const TEXT = 62; // pixels below the picture; report.css agrees

  function fit(photo, width, height) {
    const [w, h] = Photos.size(photo);
    const scale = Math.min(width / w, height / h);
    return [w * scale, h * scale];
  }

  function faceBox({ box }, [w, h], index) {
    const [x1, y1, x2, y2] = box;
    const part = (value, whole) => `${(Math.min(1, Math.max(0, value / whole)) * 100).toFixed(2)}%`;
    const styles = { left: part(x1, w), top: part(y1, h), right: part(w - x2, w), bottom: part(h - y2, h) };
    return Dom.make("span", { class: index ? "box other" : "box", style: styles });
  }

  function frame(photo, width, height) {
    const [w, h] = fit(photo, width, height);
    const source = Photos.thumb(photo);
    const picture = source
      ? Dom.make("img", { src: source, alt: "", decoding: "async", draggable: "false", width: Math.round(w), height: Math.round(h) })
      : Dom.make("span", { class: "no-picture", text: Photos.get(photo, "thumb_error") ?? "no preview" });
    const boxes = Photos.get(photo, "width") ? Photos.faces(photo).map((face, k) => faceBox(face, Photos.size(photo), k)) : [];
    return Dom.make("span", { class: "frame", style: { width: `${w}px`, height: `${h}px` } }, picture, ...boxes);
  }

  function stars(photo) {
    const own = Choices.ownStars(photo);
    const n = own ?? Photos.suggested(photo);
    const node = Dom.make("span", { class: own === null ? "stars suggested" : "stars" });
    if (n) node.append(...Array.from({ length: n }, () => Dom.icon("star")));
    return node;
  }

  function words(photo) {
    const own = Choices.ownStars(photo);
    const suggested = Photos.suggested(photo);
    const decision = Choices.decision(photo);
    // Begins with what is to be seen, in that order, so that it can be called by voice.
    const seen = ["score", Format.score(Photos.score(photo)), Photos.name(photo), remark(photo), isBest(photo) ? `Best of ${Photos.group(photo).label}` : ""];
    const parts = [seen.filter(Boolean).join(" ")];
    if (own !== null) parts.push(`${Format.stars(own)} by you`);
    else if (suggested) parts.push(`${Format.stars(suggested)} suggested`);
    if (decision) parts.push(decision === "pick" ? "picked" : "rejected");
    return parts.join(", ");
  }

  const isBest = (photo) => Boolean(Photos.get(photo, "best")) && Photos.group(photo) !== null;
  // What lowers the score; without that, what else there is to say. Only the first is a fault of the photo.
  const faults = (photo) => Photos.reasons(photo).join(" · ");
  const remark = (photo) => faults(photo) || (Photos.get(photo, "reason") ?? "");
  const remarkClass = (photo) => (faults(photo) || Photos.get(photo, "status") === "error" ? "faults" : "faults mild");

  function make(photo, width, height) {
    const meter = Dom.make("span", { class: "meter" }, Dom.make("span", { style: { width: `${Photos.score(photo) ?? 0}%` } }));
    const node = Dom.make("div", { class: "card", role: "option", id: `photo-${photo}` },
      Dom.make("span", { class: "mat", style: { height: `${height}px` } }, frame(photo, width - 12, height - 12)),
      meter,
      Dom.make("span", { class: "line" }, Dom.make("b", { class: "score", text: Format.score(Photos.score(photo)) }), stars(photo), Dom.make("span", { class: "flags" })), " ",
      Dom.photoName(Photos.name(photo), { title: Photos.get(photo, "path") ?? "" }), " ",
      Dom.make("span", { class: remarkClass(photo), text: remark(photo), title: remark(photo) }), " ",
      isBest(photo) ? Dom.make("span", { class: "best", text: "Best" }) : null);
    node.photo = photo;
    update(node);
    return node;
  }

  function flag(photo) {
    const decision = Choices.decision(photo);
    const table = Photos.get(photo, "decision"); // of a table that `piqa rank` wrote
    if (decision) return [Dom.icon(decision)];
    return table === "pick" || table === "reject" ? [Dom.make("span", { class: "hint", title: `piqa rank: ${table}` }, Dom.icon(table))] : [];
  }

  function update(node) {
    const { photo } = node;
    const decision = Choices.decision(photo);
    node.setAttribute("aria-label", words(photo));
    node.setAttribute("aria-selected", String(State.selected.includes(photo)));
    node.setAttribute("aria-posinset", String(State.place[photo] + 1));
    node.setAttribute("aria-setsize", String(State.order.length));
    node.classList.toggle("current", photo === State.current);
    node.classList.toggle("selected", State.selected.includes(photo));
    node.classList.toggle("picked", decision === "pick");
    node.classList.toggle("rejected", decision === "reject");
    node.querySelector(".stars").replaceWith(stars(photo));
    node.querySelector(".flags").replaceChildren(...flag(photo));
  }

  return { TEXT, make, update, frame, stars, isBest, remark, remarkClass };
})();
