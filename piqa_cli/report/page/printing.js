"use strict";
// A contact sheet on paper: the photos that are shown, in their order, without anything to click.
const Printing = (() => {
  const MOST = 600;
  const sheet = Dom.byId("sheet");

  function entry(photo) {
    const decision = Choices.decision(photo);
    const words = [Card.isBest(photo) ? "best" : "", decision ? { pick: "picked", reject: "rejected" }[decision] : ""];
    return Dom.make("li", null, Dom.make("span", { class: "mat" }, Card.frame(photo, 150, 120)),
      Dom.make("span", { class: "line" }, Dom.make("b", { text: Format.score(Photos.score(photo)) }), Card.stars(photo), Dom.make("i", { text: words.filter(Boolean).join(", ") })),
      Dom.photoName(Photos.name(photo)), Dom.make("span", { class: Card.remarkClass(photo), text: Card.remark(photo) }));
  }

  function build() {
    if (sheet.childNodes.length) return;
    let left = MOST;
    const parts = State.sections.flatMap(({ label, items }) => {
      const taken = items.slice(0, left);
      left -= taken.length;
      if (!taken.length) return [];
      return [...(label === null ? [] : [Dom.make("h2", null, Dom.make("bdi", { text: label }))]), Dom.make("ol", null, ...taken.map(entry))];
    });
    const cut = State.order.length > MOST ? ` · the first ${MOST}` : "";
    sheet.append(Dom.make("h1", { text: Photos.data.title }), Dom.make("p", { text: `${Format.plural(State.order.length, "photo")}${cut} · ${Format.moment(Photos.data.created) ?? ""}` }), ...parts);
  }

  async function print() {
    build();
    await Promise.allSettled([...sheet.querySelectorAll("img")].map((image) => image.decode()));
    globalThis.print();
  }

  addEventListener("beforeprint", build);
  addEventListener("afterprint", () => sheet.replaceChildren());
  Dom.byId("print").addEventListener("click", print);

  return { print };
})();
