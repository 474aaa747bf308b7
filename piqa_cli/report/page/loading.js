"use strict";
// Marks of a plan file taken into the page, as one step that can be undone.
const Loading = (() => {
  const MOST_BYTES = 64e6; // 100,000 photos; a video that was chosen by mistake is more
  const dialog = Dom.byId("load-dialog");
  const input = Dom.make("input", { type: "file", accept: ".json,.csv,application/json,text/csv", onchange: load });
  const outcome = Dom.make("p", { class: "outcome", role: "status" });

  async function textOf(file) {
    if (file.size > MOST_BYTES) throw new PlanReader.Refused("it is too large to be a plan");
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    } catch {
      throw new PlanReader.Refused("it cannot be read as text");
    }
  }

  // A plan has no stars for a rejected photo: where it is rejected here already, those that it was given stay.
  function chosen(photo, choice) {
    const same = choice.decision === "reject" && Choices.decision(photo) === "reject";
    return [photo, same ? { ...choice, stars: choice.stars ?? Choices.ownStars(photo) ?? undefined } : choice];
  }

  // -> what to say of it
  function take(items) {
    const places = Plan.places();
    const here = items.filter(({ photo }) => places.has(photo));
    const away = items.length - here.length;
    if (!items.length) return "it holds no photos.";
    if (!here.length) return `none of its ${Format.plural(items.length, "photo")} is in this report, nothing was changed.`;
    const changed = Choices.take(here.map(({ photo, choice }) => chosen(places.get(photo), choice)));
    const loaded = changed ? `marks of ${Format.plural(changed, "photo")} were loaded, and Undo takes them back.` : "all its marks are here already.";
    return away ? `${loaded} ${Format.plural(away, "photo")} in it ${away === 1 ? "is" : "are"} not in this report.` : loaded;
  }

  async function load() {
    const [file] = input.files;
    if (!file) return;
    let words = "";
    try {
      words = take(PlanReader.read(await textOf(file), file.name));
    } catch (error) {
      if (!(error instanceof PlanReader.Refused)) throw error;
      words = `nothing was loaded: ${error.message}.`;
    }
    outcome.replaceChildren(Dom.make("bdi", { text: file.name }), `: ${words}`);
    input.value = ""; // the same file may be chosen again
  }

  function build() {
    dialog.append(Dom.make("h2", { text: "Load marks" }),
      Dom.make("p", null, "A plan or CSV that was exported from a report, or a plan of ", Dom.make("code", { text: "piqa rank --plan-out" }), ". Photos in the file get its stars and flags; all others keep theirs."),
      Dom.make("label", { class: "row" }, "File", input), outcome,
      Dom.make("div", { class: "row buttons" }, Dom.button("Close", { onclick: () => dialog.close() })));
  }

  function open() {
    if (!dialog.childNodes.length) build();
    outcome.textContent = "";
    dialog.showModal();
  }

  return { open };
})();
